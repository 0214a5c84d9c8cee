#!/usr/bin/env bash
# Unpacks the tarball somewhere and uses it from there: with its own libtorch, without the tree that it was built in.
#
#   tests/package/tarball.sh FILE.tar.gz
set -Eeuo pipefail
tarball=$(readlink -f "$1")
work=$(mktemp -d /tmp/catwalk-tarball-XXXXXX)
trap 'rm -rf "$work"' EXIT
say() { printf 'tarball: %s\n' "$*"; }
fail() { say "FAILED: $*" >&2; exit 1; }

mkdir "$work/a folder" "$work/home" "$work/etc"
tar -xzf "$tarball" -C "$work/a folder"
cd "$work/a folder"/catwalk-*/ || fail "it holds no folder catwalk-VERSION"
clean=(env -i PATH=/usr/bin:/bin HOME="$work/home" LC_ALL=C.UTF-8)

said=$("${clean[@]}" bin/catwalk --version)
[[ $said == "catwalk "* ]] || fail "--version says '$said'"

# Each library of libtorch's comes out of the tarball, and nothing is missing.
needed=$("${clean[@]}" ldd bin/catwalk)
grep -q 'not found' <<<"$needed" && fail "missing libraries: $needed"
while IFS=$'\t' read -r name path; do
  case $name in
    libtorch* | libc10* | libgomp*) [[ $(realpath "$path") == "$(realpath lib/catwalk)"/* ]] || fail "$name is taken from $path" ;;
  esac
done < <(sed -n 's/^\s*\(\S*\) => \(.*\) (0x.*/\1\t\2/p' <<<"$needed")

cp share/doc/catwalk/docs/examples/*.yaml "$work/etc"
"${clean[@]}" SUPABASE_KEY=of-a-test bin/catwalk check --config "$work/etc/catwalk.yaml" || fail "the example does not pass"
"${clean[@]}" bin/catwalk model import --untrained --seed 1 --config "$work/etc/catwalk.yaml" >/dev/null 2>&1 ||
  fail "libtorch does not work from there"
say "$said works from $(basename "$tarball")"
