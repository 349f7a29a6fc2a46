#!/bin/sh
# One night of an office: build, tell the staff. The codes of uncac-metrics pass through.
set -u
OFFICE=${OFFICE:-/srv/statistics/office}
OUT=${OUT:-/srv/statistics/releases}
NOTICE=${NOTICE:-/srv/statistics/notice.txt}
LINK=${LINK:-https://statistics.example/corruption/}

uncac-metrics build "$OFFICE" --out "$OUT" --jobs 2 --notify "$NOTICE" --link "$LINK"
code=$?
# The notice holds a link and counts, never data: it may be sent by mail.
if [ -n "${MAILTO_STAFF:-}" ]; then
  mail -s "$(head -n 1 "$NOTICE")" "$MAILTO_STAFF" < "$NOTICE"
fi
[ "$code" -eq 1 ] || uncac-metrics verify "$OUT" || code=1
exit "$code"
