#!/usr/bin/env bash
# Boots a fresh Debian 12 root under systemd and lives a package's life in it: install, a model, health, the log, a shop,
# a user in the group and one who is not, upgrade with the state kept or migrated, downgrade and the way back, remove,
# purge. As root; needs debootstrap, systemd-nspawn (Debian's systemd-container), dpkg-dev, python3, and this machine's
# own apt sources.
#
#   tests/package/fresh_root.sh FILE.deb
set -Eeuo pipefail
deb=$(readlink -f "$1")
support=$(readlink -f "$(dirname "$0")/../support")
work=$(mktemp -d /tmp/catwalk-root-XXXXXX)
root=$work/root
port=9817
booted=

say() { printf 'fresh root: %s\n' "$*"; }
fail() { say "FAILED: $*" >&2; exit 1; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

# Everything that the container runs is a child of systemd-nspawn.
leader() { ps -o pid= --ppid "$booted" | head -1 | tr -d ' '; }
inside() {
  local clean=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
  if [[ $booted ]]; then
    nsenter --target "$(leader)" --mount --uts --ipc --net --pid --root --wd "${clean[@]}" "$@"
  else
    systemd-nspawn --quiet --register=no --keep-unit --resolv-conf=copy-host --pipe -D "$root" "${clean[@]}" "$@"
  fi
}
stop() {
  [[ $booted ]] || return 0
  kill -RTMIN+4 "$(leader)" 2>/dev/null || true  # systemd's poweroff
  for _ in $(seq 100); do kill -0 "$booted" 2>/dev/null || break; sleep 0.2; done
  kill -KILL "$booted" 2>/dev/null || true
  booted=
}
clean_up() { stop; rm -rf "$work"; }
trap clean_up EXIT
trap 'say "FAILED at line $LINENO: $BASH_COMMAND" >&2' ERR

wait_for() { # WHAT SECONDS COMMAND…
  local what=$1 seconds=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || { inside journalctl -u catwalk --no-pager -n 30 >&2 || true; fail "$what: not within $seconds s"; }
    sleep 0.2
  done
}
property() { inside systemctl show catwalk.service --property "$1" --value; }
is() { [[ $(property "$1") == "$2" ]]; }
health() { inside perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new("127.0.0.1:'$port'") or exit 1;
  print $s "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n"; print while <$s>'; }
# Whether the service's journal has a line: PATTERN FIELD=VALUE…
logged() {
  inside journalctl _SYSTEMD_UNIT=catwalk.service "${@:2}" -o cat --no-pager >"$work/journal"
  grep -q "$1" "$work/journal"
}
# Asks the daemon through its socket: USER METHOD PATH. Prints the status line, the headers and the body.
ask() { inside runuser -u "$1" -- perl -MIO::Socket::UNIX -e '
  my $s = IO::Socket::UNIX->new("/run/catwalk/catwalk.sock") or die "the socket: $!\n";
  print $s "'"$2 $3"' HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"; print while <$s>'; }
# The number in the last line, which is JSON, by its name: NAME; from standard input.
number() { sed -n '$s/.*"'"$1"'": *\([0-9]*\).*/\1/p'; }
database=$root/var/lib/catwalk/catwalk.sqlite3
# What one statement gives, or changes: FILE SQL.
sql() { python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    for row in db.execute(sys.argv[2]): print(*row)' "$@"; }
# What no upgrade may change: FILE, which no process has open.
products() { sql "$1" "select p.id, p.fields, hex(i.vector) from products p left join images i on i.url = p.image_url order by 1"; }
state_sums() { (cd "$root/var/lib/catwalk" && find . -type f ! -name '*-wal' ! -name '*-shm' -exec sha256sum {} + | sort -k 2); }
# The same package under another version, made in seconds: nothing is compressed.
repacked() {
  dpkg-deb -R "$deb" "$work/unpacked"
  sed -i "s/^Version: .*/Version: $1/" "$work/unpacked/DEBIAN/control"
  dpkg-deb -Znone -b "$work/unpacked" "$root/root/catwalk_$1.deb" >/dev/null
  rm -rf "$work/unpacked"
}

for tool in debootstrap systemd-nspawn nsenter dpkg-deb python3; do
  command -v $tool >/dev/null || fail "$tool is missing"
done
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
  /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null | head -1 || true)
[[ $mirror ]] || fail "no Debian source in /etc/apt"
begun=$(now)
debootstrap --variant=minbase --include=systemd-sysv,dbus,ca-certificates bookworm "$root" "$mirror" >"$work/log" 2>&1 ||
  { tail -5 "$work/log" >&2; fail "debootstrap"; }
say "a Debian root in $(since "$begun")"

# What this machine needs to reach its mirror, the root needs too.
rm -f "$root/etc/apt/sources.list"
cp -a /etc/apt/. "$root/etc/apt/"
rm -f "$root/etc/apt/apt.conf.d"/docker-*  # would throw away what is downloaded ahead
cp -a /etc/ssl/certs/. "$root/etc/ssl/certs/"
cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp "$deb" "$root/root/catwalk.deb"
version=$(dpkg-deb -f "$deb" Version)
begun=$(now)
inside apt-get update -q >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; fail "apt-get update"; }
inside apt-get install -y -q --no-install-recommends --download-only /root/catwalk.deb >"$work/log" 2>&1 ||
  { tail -20 "$work/log" >&2; fail "the package's dependencies cannot be had"; }
say "its dependencies in $(since "$begun"): $(grep -c '^Get:' "$work/log") packages, $(sed -n 's/^Need to get \(.*\) of archives.*/\1/p' "$work/log")"

say "booting; from here on there is no network"
systemd-nspawn --quiet --register=no --keep-unit --private-network -D "$root" --boot >"$work/boot" 2>&1 &
booted=$!
running() { [[ $(inside systemctl is-system-running) =~ running|degraded ]]; }
wait_for "boot" 60 running

begun=$(now)
inside apt-get install -y -q --no-install-recommends /root/catwalk.deb >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "install"; }
say "installed in $(since "$begun"): .deb $(stat -c %s "$deb" | numfmt --to=iec), on disk $(dpkg-deb -f "$deb" Installed-Size | awk '{ printf "%d MB", $1 / 1024 }')"
is ActiveState active || { inside journalctl -u catwalk --no-pager -n 20 >&2; fail "the service is not active after the installation"; }
[[ $(property UnitFileState) == enabled ]] || fail "the service is not enabled"
health >"$work/health"
grep -q "catwalk model pull" "$work/health" || fail "/health does not say that a model is missing"
say "active, and /health asks for a model: $(property StatusText)"
[[ $(stat -c %a:%U "$root/etc/catwalk/credentials") == 700:root ]] || fail "the credentials' folder is open"
[[ $(inside sh -c 'catwalk completion bash | cmp - /usr/share/bash-completion/completions/catwalk && zcat /usr/share/man/man1/catwalk.1.gz | grep -c "^\.SS\|catwalk scrape"') -gt 0 ]] || fail "completions or manual"

say "a model comes: the daemon goes on without a restart"
pid=$(property MainPID)
inside runuser -u catwalk -- catwalk model import --untrained --seed 1 --config /etc/catwalk/catwalk.yaml >/dev/null 2>"$work/log" || { cat "$work/log" >&2; fail "model import"; }
begun=$(now)
ready() { [[ $(health) == "HTTP/1.0 200"* || $(health) == "HTTP/1.1 200"* ]]; }
wait_for "health 200" 60 ready
[[ $(property MainPID) == "$pid" ]] || fail "the daemon was started again"
say "/health 200 after $(since "$begun"), resident $(awk '/^VmRSS/ { printf "%d MB", $2 / 1024 }' "$root/proc/$pid/status" 2>/dev/null || inside awk '/^VmRSS/ { printf "%d MB", $2 / 1024 }' "/proc/$pid/status")"
logged 'model .* is untrained' PRIORITY=4 || fail "no warning has its priority in the journal"
logged '^ready: ' PRIORITY=6 SYSLOG_IDENTIFIER=catwalk || fail "no line of level info in the journal"

say "an invalid configuration is refused at reload, a killed daemon and one that hangs are started again"
inside systemctl reload catwalk
is ActiveState active || fail "reload"
inside sh -c 'echo "fetsh: {}" >>/etc/catwalk/catwalk.yaml; systemctl reload catwalk; sleep 1'
is ActiveState active || fail "an invalid configuration stopped the daemon"
logged "did you mean 'fetch'" PRIORITY=3 || fail "the journal does not say what is wrong"
inside sed -i '/fetsh/d' /etc/catwalk/catwalk.yaml
mkdir -p "$root/etc/systemd/system/catwalk.service.d"
printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=2\nRestartSec=1\n' >"$root/etc/systemd/system/catwalk.service.d/impatient.conf"
inside sh -c 'systemctl daemon-reload; systemctl restart catwalk'
wait_for "health after a restart" 60 ready
sleep 7
is NRestarts 0 || fail "the watchdog was not kicked in time"
inside systemctl kill --signal=KILL catwalk
wait_for "restart after a kill" 60 is NRestarts 1
wait_for "health after a kill" 60 ready
inside systemctl kill --signal=STOP catwalk
wait_for "restart of a daemon that hangs" 60 is NRestarts 2
wait_for "health after a hang" 60 ready
rm -r "$root/etc/systemd/system/catwalk.service.d"
inside systemctl daemon-reload

say "a secret of the credentials' folder reaches the service, and nobody else"
inside sh -c 'umask 077; echo canary-token-1f0b >/etc/catwalk/credentials/http_token'
inside sh -c 'echo "http: { token: { credential: http_token } }" >>/etc/catwalk/catwalk.yaml; systemctl restart catwalk'
wait_for "health with a credential" 60 ready
[[ $(inside catwalk status --token --config /etc/catwalk/catwalk.yaml) == canary-token-1f0b ]] || fail "root does not get the configured token"
inside systemctl show catwalk.service >"$work/shown"
! grep -q canary "$work/shown" || fail "systemctl shows the secret"

say "a shop is read"
inside systemd-run --quiet --unit=demo-shop catwalk demo --shop-only --products 30 --shop-listen 127.0.0.1:8099 --write-sites /etc/catwalk/demo.yaml
wait_for "the shop" 30 test -s "$root/etc/catwalk/demo.yaml"
inside sh -c 'cat /etc/catwalk/demo.yaml >/etc/catwalk/sites.yaml; rm /etc/catwalk/demo.yaml'
# Ten seconds between two pages: a run lasts long enough to be cancelled.
inside sh -c 'echo "fetch: { allow_private_addresses: true, pages: { delay: 10s } }" >>/etc/catwalk/catwalk.yaml; systemctl restart catwalk'
wait_for "health with a shop" 60 ready
[[ $(inside stat -c %a:%U:%G /run/catwalk) == 750:catwalk:catwalk ]] || fail "the socket's folder: $(inside stat -c %a:%U:%G /run/catwalk)"
[[ $(inside stat -c %a:%U:%G /run/catwalk/catwalk.sock) == 660:catwalk:catwalk ]] || fail "the socket: $(inside stat -c %a:%U:%G /run/catwalk/catwalk.sock)"

say "users"
inside useradd -m member -G catwalk
inside useradd -m stranger
site=Atelier%20Nord
run=$(ask member POST "/api/v1/sites/$site/run" | number run)
[[ $run ]] || fail "a member of the group cannot start a run"
ended() { inside runuser -u member -- catwalk jobs show "$1" --json | grep -q "\"state\": \"$2\""; }
wait_for "the run's end" 120 ended "$run" done
run=$(ask member POST "/api/v1/sites/$site/run" | number run)
said=$(inside runuser -u member -- catwalk jobs cancel "$run" 2>&1) || fail "a member of the group cannot cancel run '$run': $said"
wait_for "the cancelled run's end" 30 ended "$run" cancelled
said=$(inside runuser -u member -- catwalk failed retry --all 2>&1) || fail "a member of the group cannot have rows sent again: $said"
grep -q '^0 rows go out again' <<<"$said" || fail "retry said: $said"
one=$(ask member GET '/api/v1/products?limit=1' | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -1)
[[ $one ]] || fail "a member of the group sees no product"
[[ $(inside runuser -u member -- catwalk search --id "$one" -k 3 | wc -l) -ge 3 ]] || fail "a member of the group cannot search"
inside runuser -u member -- catwalk status >/dev/null || fail "a member of the group cannot ask for the status"
inside runuser -u member -- catwalk jobs list >/dev/null || fail "a member of the group cannot list jobs"
inside runuser -u member -- catwalk failed list >/dev/null || fail "a member of the group cannot list failures"
[[ $(inside runuser -u member -- catwalk status --token) == canary-token-1f0b ]] || fail "a member of the group does not get the token"
if said=$(inside runuser -u stranger -- catwalk status 2>&1); then fail "a stranger was let in"; fi
grep -q "group catwalk" <<<"$said" || fail "a stranger is not told of the group: $said"
for command in "jobs list" "jobs cancel $run" "failed retry --all" "search --id $one" "status --token"; do
  # shellcheck disable=SC2086
  if inside runuser -u stranger -- catwalk $command >/dev/null 2>&1; then fail "a stranger may: catwalk $command"; fi
done
if ask stranger GET /api/v1/runs >/dev/null 2>&1; then fail "a stranger may use the socket"; fi
if said=$(inside runuser -u stranger -- cat /etc/catwalk/catwalk.yaml 2>&1); then fail "a stranger reads the configuration"; fi

say "upgrading to a higher version: state and configuration stay"
echo '# edited' >>"$root/etc/catwalk/catwalk.yaml"
models=$(cd "$root/var/lib/catwalk/models" && find . -type f -exec sha256sum {} + | sort)
repacked "$version.1"
pid=$(property MainPID)
begun=$(now)
inside apt-get install -y -q "/root/catwalk_$version.1.deb" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "upgrade"; }
wait_for "health after the upgrade" 60 ready
say "upgraded and ready again in $(since "$begun")"
[[ $(property MainPID) != "$pid" ]] || fail "the old executable still runs"
[[ $(inside dpkg-query -W -f '${Version}' catwalk) == "$version.1" ]] || fail "version"
[[ $(cd "$root/var/lib/catwalk/models" && find . -type f -exec sha256sum {} + | sort) == "$models" ]] || fail "the models changed"
grep -q '^# edited' "$root/etc/catwalk/catwalk.yaml" || fail "the configuration changed"
inside runuser -u catwalk -- catwalk state check --config /etc/catwalk/catwalk.yaml >/dev/null || fail "state check"

say "upgrading a filled state of the version before, with the service stopped"
inside systemctl stop catwalk
version_now=$(sql "$database" 'pragma user_version')
kept=$(products "$database")
[[ $(wc -l <<<"$kept") -ge 10 ]] || fail "the state is not filled"
cp "$database" "$work/older.sqlite3"
python3 "$support/older_state.py" "$work/older.sqlite3" $((version_now - 1))
cat "$work/older.sqlite3" >"$database"  # owner and mode stay
repacked "$version.2"
inside apt-get install -y -q "/root/catwalk_$version.2.deb" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "upgrade"; }
is ActiveState inactive || fail "a service that was stopped was started by the upgrade"
inside systemctl start catwalk
wait_for "health after the migration" 60 ready
logged "copied the state database to $(printf %q /var/lib/catwalk/catwalk.sqlite3.before-v)$version_now before its migration" PRIORITY=6 ||
  fail "the journal does not tell of the copy"
inside systemctl stop catwalk
[[ $(sql "$database" 'pragma user_version') == "$version_now" && $(products "$database") == "$kept" ]] || fail "the migration changed products"
copy=$database.before-v$version_now
[[ $(sql "$copy" 'pragma user_version') == $((version_now - 1)) && $(products "$copy") == "$kept" ]] || fail "the copy is not what was there before"
[[ $(stat -c %a "$copy") == [67][04]0 ]] || fail "the copy may be read by everyone: $(stat -c %a "$copy")"

say "downgrading: a later version's state is refused, and the copy that it names is the way back"
later=$((version_now + 1))
cp -p "$database" "$database.before-v$later"  # what a later version does before it changes anything
sql "$database" "pragma user_version = $later"
inside apt-get install -y -q --allow-downgrades /root/catwalk.deb >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "downgrade"; }
inside systemctl start catwalk 2>/dev/null && fail "a state of version $later was not refused"
logged "it has version $later, this catwalk knows up to $version_now" PRIORITY=3 || fail "the journal does not say why"
way_back=$(grep -o 'catwalk state restore [^` ]*' "$work/journal" | head -1)
[[ $way_back == "catwalk state restore /var/lib/catwalk/catwalk.sqlite3.before-v$later" ]] || fail "the way back: $way_back"
inside systemctl stop catwalk
# shellcheck disable=SC2086
inside runuser -u catwalk -- $way_back >/dev/null 2>"$work/log" || { cat "$work/log" >&2; fail "the way back"; }
inside systemctl start catwalk
wait_for "health after the downgrade" 60 ready
inside systemctl stop catwalk
[[ $(property Result) == success ]] || fail "the stop: $(property Result)"
[[ $(products "$database") == "$kept" ]] || fail "the way back lost products"
inside systemctl stop demo-shop

say "removing: the state stays; purging: nothing does"
before=$(state_sums)
inside apt-get remove -y -q catwalk >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "remove"; }
[[ ! -e $root/usr/bin/catwalk && ! -e $root/lib/systemd/system/catwalk.service ]] || fail "remove left the executable"
[[ $before == "$(state_sums)" && -e $root/etc/catwalk/catwalk.yaml ]] || fail "remove took state or configuration"
inside apt-get purge -y -q catwalk >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "purge"; }
left=$(find "$root"/{etc,usr,var,run} -xdev -iname '*catwalk*' ! -path '*/apt/*' ! -path '*/dpkg/*.log' ! -path '*/journal/*' 2>/dev/null || true)
[[ -z $left ]] || fail "purge left: $left"
[[ -z $(inside systemctl list-unit-files --no-legend 'catwalk*') ]] || fail "a unit is left"
say "ok"
