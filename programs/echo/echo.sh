#!/bin/sh
# Echo: each line of the file inbox is a report. What the city sends is put into outbox.
hear() {
	touch inbox kept && n=$(cat kept)
	tail -n "+$((n + 1))" -f inbox | while IFS= read -r new; do
		printf '{"type":"report","id":"%s","text":"%s"}\n' "$((n += 1))" "$(printf '%s' "$new" | tr -d '\000-\037' | sed 's/["\\]/\\&/g')"
	done
}
while IFS= read -r line; do
	id=$(printf '%s\n' "$line" | sed -E 's/^[^,]*,"id":"([^"]*)".*/\1/')
	case $line in
	'{"type":"begin"'*) echo '{"type":"ready","protocol":1}'; hear & ;;
	'{"type":"ping"'*) echo '{"type":"pong"}' ;;
	'{"type":"kept"'*) echo "$id" >kept ;;
	'{"type":"send"'*) printf '%s\n' "$line" | sed -E 's/.*"text":"(([^"\\]|\\.)*)".*/\1/; s/\\(["\\])/\1/g' >>outbox && printf '{"type":"sent","id":"%s"}\n' "$id" ;;
	esac
done
