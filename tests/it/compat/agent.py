# The HTTP front of the real ironic-python-agent over commands that touch nothing: its own TLS certificate, its own
# server, its own results and errors. Prints the port once it listens. Usage: agent.py TOKEN CERTIFICATE-FILE
import collections
import os
import sys
import time

from ironic_python_agent import agent
from ironic_python_agent import config
from ironic_python_agent import errors
from ironic_python_agent import tls_utils
from ironic_python_agent.api import app
from ironic_python_agent.extensions import base
from ironic_python_agent.extensions import rescue

config.CONF([], project='ironic-python-agent')
Host = collections.namedtuple('Host', ['hostname', 'port'])
Loaded = collections.namedtuple('Loaded', ['obj'])
VERSION = {'generic_hardware_manager': '1.2'}


class Deploy(base.BaseAgentExtension):
    @base.sync_command('get_deploy_steps')
    def get_deploy_steps(self, node, ports):
        assert node['uuid'] and ports[0]['address']
        step = {'step': 'write_image', 'priority': 0, 'interface': 'deploy', 'reboot_requested': False}
        return {'deploy_steps': {'GenericHardwareManager': [step]}, 'hardware_manager_version': VERSION}

    @base.async_command('execute_deploy_step')
    def execute_deploy_step(self, step, node, ports, deploy_version=None, **kwargs):
        time.sleep(0.2)
        if deploy_version != VERSION:
            raise errors.VersionMismatch(agent_version=VERSION, node_version=deploy_version)
        if step['args'].get('fail') == 'well':
            raise errors.ImageChecksumError('id', 'here', 'aa', 'bb')
        if step['args'].get('fail') == 'badly':
            raise ValueError('a plain exception')
        return {'deploy_result': 'written', 'deploy_step': step}


class Standby(base.BaseAgentExtension):
    @base.sync_command('sync')
    def sync(self):
        pass

    @base.sync_command('get_partition_uuids')
    def get_partition_uuids(self):
        raise errors.CommandExecutionError('there is no disk here')


class Harmless(agent.IronicPythonAgent):
    def __init__(self, token):
        base.ExecuteCommandMixin.__init__(self)
        self.listen_address = Host('127.0.0.1', 0)
        self.agent_token = token
        self.ext_mgr = {'deploy': Loaded(Deploy(self)), 'standby': Loaded(Standby(self)),
                        'rescue': Loaded(rescue.RescueExtension(self))}
        self.api = app.Application(self, config.CONF)

    def force_heartbeat(self):
        pass


home = os.path.dirname(sys.argv[2])
# what a rescue writes below /etc
rescue.open = lambda path, mode: open(os.path.join(home, os.path.basename(path)), mode)
certificate, key = home + '/agent.crt', home + '/agent.key'
with open(sys.argv[2], 'w') as out:
    out.write(tls_utils._generate_tls_certificate(certificate, key, 'agent', '127.0.0.1'))
harmless = Harmless(sys.argv[1])
harmless.api.start(certificate, key)
print(harmless.api.server.bind_addr[1], flush=True)
# Ends with whoever started it.
sys.stdin.read()
