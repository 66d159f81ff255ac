-- Half of a yes-or-no filter is a small set that is walked in the order of pages; changes can be listed newest first; and
-- a conductor group is looked for among the nodes that are in one.
CREATE INDEX nodes_associated ON nodes (id) WHERE instance_uuid IS NOT NULL;
CREATE INDEX nodes_sharded ON nodes (id) WHERE shard IS NOT NULL;
CREATE INDEX nodes_by_change ON nodes (updated_at);
CREATE INDEX nodes_by_group ON nodes (conductor_group) WHERE conductor_group <> '';

-- What lists show of a node's traits, so that they need not look for the traits of each of a thousand nodes.
ALTER TABLE nodes ADD COLUMN traits TEXT NOT NULL DEFAULT '[]';
UPDATE nodes SET traits = (
    SELECT json_group_array(trait) FROM (SELECT trait FROM node_traits WHERE node_uuid = nodes.uuid ORDER BY trait)
) WHERE uuid IN (SELECT node_uuid FROM node_traits);
