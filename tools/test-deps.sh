#!/usr/bin/env bash
# Installs, on Debian, the system programs that the real tests need. Only what is missing.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
declare -A package=(
  [snmpd]=snmpd [snmpbulkwalk]=snmp [fping]=fping [ping]=iputils-ping [nft]=nftables
  [ip]=iproute2 [chromium]=chromium [setpriv]=util-linux [openssl]=openssl [tc]=iproute2
  [prometheus]=prometheus
)
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null 2>&1 || missing+=("${package[$program]}")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo 'test:deps: everything is there'
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "test:deps: no apt-get here; install by hand: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "test:deps: run as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "test:deps: installing ${missing[*]}"
# Tests start these programs themselves. Their services must not run beside them, and where there is no
# systemd a start script may never come back: this file is how Debian is told to start nothing.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get update -qq
timeout 1800 apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends \
  "${missing[@]}" </dev/null >/dev/null
if [ -d /run/systemd/system ] && [[ " ${missing[*]} " == *' prometheus '* ]]; then
  timeout 30 systemctl disable prometheus.service >/dev/null 2>&1 || true
fi
echo 'test:deps: done'
