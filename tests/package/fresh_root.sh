#!/usr/bin/env bash
# Installs a .deb in a fresh Debian 12 root, runs the executable there, upgrades it with its state kept, and removes it
# without a trace but what purge is for. As root; needs debootstrap and a Debian mirror.
set -euo pipefail
deb=$(readlink -f "$1")
root=$(mktemp -d /tmp/catwalk-root-XXXXXX)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT

say() { printf 'fresh root: %s\n' "$*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
  /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1)
say "debootstrap from ${mirror:-http://deb.debian.org/debian}"
debootstrap --variant=minbase bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >"$root.log" 2>&1 ||
  { tail -5 "$root.log" >&2; exit 1; }
mount -t proc proc "$root/proc" 2>/dev/null || say "no /proc can be mounted here"
cp /etc/apt/sources.list.d/* "$root/etc/apt/sources.list.d/" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf; do [[ -e $file ]] && cp "$file" "$root/etc/apt/apt.conf.d/"; done
cp "$deb" "$root/tmp/catwalk.deb"

say "installing"
inside apt-get update -q >/dev/null
inside apt-get install -y -q --no-install-recommends /tmp/catwalk.deb >"$root/tmp/install.log" 2>&1 || { tail -20 "$root/tmp/install.log" >&2; exit 1; }
inside catwalk version
inside catwalk check --config /etc/catwalk/catwalk.yaml
inside getent passwd catwalk
[[ $(stat -c %a:%U "$root/etc/catwalk/credentials") == 700:root ]]
inside sh -c 'catwalk completion bash | cmp - /usr/share/bash-completion/completions/catwalk'
inside sh -c 'zcat /usr/share/man/man1/catwalk.1.gz | grep -q "catwalk scrape"'
say "a model, vectors, a state"
inside env STATE_DIRECTORY=/var/lib/catwalk catwalk model import --untrained --seed 1 --config /etc/catwalk/catwalk.yaml >/dev/null
inside chown -R catwalk: /var/lib/catwalk
inside sh -c 'printf "\nlog: { level: warn }\n" >> /etc/catwalk/catwalk.yaml'

say "upgrading: configuration and state stay"
before=$(cd "$root/var/lib/catwalk" && find . -type f -exec sha256sum {} + | sort)
inside apt-get install -y -q --reinstall /tmp/catwalk.deb >/dev/null 2>&1
[[ $before == "$(cd "$root/var/lib/catwalk" && find . -type f -exec sha256sum {} + | sort)" ]]
grep -q "level: warn" "$root/etc/catwalk/catwalk.yaml"

say "removing: the state stays; purging: nothing does"
inside apt-get remove -y -q catwalk >/dev/null 2>&1
[[ ! -e $root/usr/bin/catwalk && -d $root/var/lib/catwalk && -e $root/etc/catwalk/catwalk.yaml ]]
inside apt-get purge -y -q catwalk >/dev/null 2>&1
[[ ! -e $root/var/lib/catwalk && ! -e $root/etc/catwalk ]]
! find "$root/usr" "$root/lib" -path '*catwalk*' ! -path '*/doc/*' 2>/dev/null | grep -q .
say "ok"
