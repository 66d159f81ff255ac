# shellcheck shell=bash
# Debian packages, in the two ways in which the lab uses them. Sourced by `run` and by the two build scripts.
#
# need_packages installs on this machine what is missing, judged by a file that each package brings: a machine may have qemu-img
# from a backport, and naming its package again would swap the whole family for another version.
# unpack_packages only unpacks, into a directory: no maintainer script runs, nothing of this machine changes, and it takes a
# quarter of the time of a bootstrapped system. Both use this machine's own apt sources, so the lab has no mirror of its own.

PATH=$PATH:/usr/sbin:/sbin

# What running and building need: a file that must exist, and the package that brings it.
LAB_PACKAGES='
/usr/bin/qemu-system-x86_64         qemu-system-x86
/usr/bin/qemu-img                   qemu-utils
/usr/share/OVMF/OVMF_CODE_4M.fd     ovmf
/usr/lib/ipxe/snponly.efi           ipxe
/usr/share/doc/ipxe-qemu            ipxe-qemu
/usr/bin/ipmi_sim                   openipmi
/usr/sbin/ip                        iproute2
/usr/bin/mount                      mount
/usr/bin/openssl                    openssl
/usr/bin/python3                    python3
/usr/sbin/modprobe                  kmod
/usr/bin/cpio                       cpio
/usr/bin/zstd                       zstd
/usr/bin/xz                         xz-utils
/usr/bin/mksquashfs                 squashfs-tools
/usr/bin/mcopy                      mtools
/usr/sbin/mkfs.vfat                 dosfstools
/usr/sbin/sfdisk                    fdisk
/usr/bin/syslinux                   syslinux
/usr/lib/syslinux/mbr/gptmbr.bin    syslinux-common
/usr/share/doc/python3-venv         python3-venv
'

# need_packages LIST...: installs what is missing; nothing is asked, and nothing is said if all is there
need_packages() {
  local file package missing=()
  while read -r file package; do
    # a merged /usr has the same file under both names; an unmerged one under either
    [ -z "$file" ] || [ -e "$file" ] || [ -e "${file#/usr}" ] || missing+=("$package")
  done <<<"$(printf '%s\n' "$@")"
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# unpack_packages ROOT PACKAGE...: the packages and all that they depend on, as on a machine that has none of them
unpack_packages() {
  local root=$1 apt; shift
  apt=$(mktemp -d)
  mkdir "$apt/partial"; : >"$apt/status"
  apt-get install -qq -y --no-install-recommends --download-only -o Dir::State::status="$apt/status" \
    -o Dir::Cache::archives="$apt" -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@" >/dev/null
  # Debian 12's packages still write to /bin, /lib and /sbin: let those lead to /usr, as an installed system has it
  local d; for d in bin sbin lib lib64; do mkdir -p "$root/usr/$d"; [ -e "$root/$d" ] || ln -s "usr/$d" "$root/$d"; done
  local deb; for deb in "$apt"/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root"; done
  rm -rf "$apt"
}

# copy_modules BASE TARGET <LIST: kernel modules to TARGET/path, uncompressed (Debian 13 packs them, and busybox cannot load those)
copy_modules() {
  local f
  while read -r f; do
    mkdir -p "$2/$(dirname "$f")"
    case $f in *.xz) xz -dc "$1/$f" >"$2/${f%.xz}" ;; *) cp "$1/$f" "$2/$f" ;; esac
  done
}
