"""What is told of a thing, without what differs from run to run: ids are replaced by names, times and single addresses by `<time>` and
`<ip>`, and lists are in the order of what is in them.
"""
import json
import re
import urllib.parse

# What says nothing about what was asked for: times, the server's own numbers, and counts of what happens to run.
PASSED_OVER = re.compile(
    r".*([Tt]ime|Timestamp|Date|[a-z]At)$|.*(Request|request|Association|association|attachment|requester|Requester)Id$"
    r"|(runningCount|pendingCount|pendingTasksCount|runningTasksCount|activeServicesCount|amiLaunchIndex)$"
    r"|(events|deployments|revision|storedBytes|StateReasonData|CallerReference|clientToken|macAddress|reservationId)$"
    r"|(DefaultVersionId|RoleId|PolicyId|InstanceProfileId|privateDnsName|publicDnsName|dnsName)$"
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(\.\d{1,3}){3}(?![\w./])")
ID = re.compile(r"\b(vpc|subnet|igw|rtb|nat|eipalloc|sg|sgr|i|iip-assoc|vol|eni|pcx|acl|ami|r|dopt)-[0-9a-f]{8,17}\b")
KEY = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
ARN_TAIL = re.compile(r"(?<=/)([0-9a-f]{16}|[0-9]{14,})\b")
REVISION = re.compile(r"(task-definition/[\w-]+):\d+")


class Names:
    """Texts without what differs from run to run."""

    def __init__(self, things):
        self.known = {key: f"{kind} {name}" for _, kind, key, name, _ in things if key and not key.startswith("arn:")}

    def tidy(self, text):
        for _ in range(4):  # A name can hold the id of what it is a part of, and that again.
            text = re.sub(r"[A-Za-z]+-[0-9a-f]{8,17}\b|\b[A-Z0-9]{12,}\b", lambda found: self.known.get(found[0], found[0]), text)
        text = TIME.sub("<time>", ADDRESS.sub("<ip>", KEY.sub("<id>", ID.sub("<id>", text))))
        return REVISION.sub(r"\1:<n>", ARN_TAIL.sub("<id>", text))

    def flat(self, value, place=""):
        """Every text in it with its place, sorted; lists by content, pairs of key and value by their keys."""
        if isinstance(value, list):
            pairs = [item for item in value if isinstance(item, dict) and {key.lower() for key in item} in ({"key", "value"}, {"name", "value"})]
            if pairs and len(pairs) == len(value):
                lower = [{key.lower(): inner for key, inner in pair.items()} for pair in pairs]
                return self.flat({pair.get("key") or pair["name"]: pair["value"] for pair in lower}, place)
            parts = sorted((self.flat(item) for item in value), key=json.dumps)
            return [[f"{place}[{number}]{rest}", text] for number, part in enumerate(parts) for rest, text in part]
        if isinstance(value, dict):
            found = []
            for key in sorted(value):
                if not PASSED_OVER.match(key):
                    found += self.flat(value[key], f"{place}.{key}" if place else key)
            return found
        if value in ("", None):
            return []
        text = value if isinstance(value, str) else json.dumps(value)
        if text.startswith("%7B") or text.startswith("{"):
            try:
                return self.flat(json.loads(urllib.parse.unquote(text)), place)
            except ValueError:
                pass
        return [[place, json.dumps(self.tidy(text), ensure_ascii=False)]]
