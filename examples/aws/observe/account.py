"""An account of a stand-in for AWS (moto_server), asked over its three protocols. A signature is sent and looked at by nobody: this is of no
use against AWS itself. It does not follow pages: an answer that is not whole is a fault.
"""
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

LISTS = {"item", "member"}


class Account:
    """One account in one region, over HTTP."""

    def __init__(self, endpoint, number, region):
        self.endpoint, self.number, self.region = endpoint.rstrip("/"), number, region

    def ask(self, service, path="/", body=None, headers=None, absent=None):
        credential = f"mock/20260101/{self.region}/{service}/aws4_request"
        request = urllib.request.Request(self.endpoint + path, data=body, headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00",
            "Host": f"{service}.{self.region}.amazonaws.com" if service == "route53" else self.endpoint.split("//")[1],
            "X-Moto-Account-Id": self.number,
            **(headers or {}),
        })
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as fault:
            if fault.code == 404 and absent is not None:
                return absent
            sys.exit(f"{service} {path} {(body or b'').decode()} in {self.number}: {fault} {fault.read().decode()[:300]}")

    def query(self, service, version, action, **values):
        """The protocol of EC2, IAM and others: a form in, XML out."""
        pairs = {"Action": action, "Version": version, **{name.replace("_", "."): value for name, value in values.items()}}
        body = "&".join(f"{name}={urllib.parse.quote(str(value), safe='')}" for name, value in pairs.items()).encode()
        answer = plain(ElementTree.fromstring(self.ask(service, body=body)))
        if isinstance(answer, dict) and f"{action}Result" in answer:
            answer = answer[f"{action}Result"]
        return whole(answer if isinstance(answer, dict) else {}, action)

    def call(self, service, target, **values):
        """The protocol of ECS and logs: JSON in and out."""
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return whole(json.loads(self.ask(service, body=json.dumps(values).encode(), headers=headers)), target)

    def rest(self, service, path):
        answer = self.ask(service, path, absent=b"<none/>")
        return whole(plain(ElementTree.fromstring(answer)) or {}, path)


def whole(answer, what):
    for key in ("nextToken", "NextToken", "NextMarker", "IsTruncated"):
        if answer.get(key) not in (None, "", "false", False):
            sys.exit(f"{what}: there is more than one page, and this script reads one")
    return answer


def plain(element):
    """XML as texts, lists and dictionaries."""
    children = list(element)
    if not children:
        return (element.text or "").strip()
    names = [child.tag.split("}")[-1] for child in children]
    if set(names) <= LISTS or (len(names) > 1 and len(set(names)) == 1):
        return [plain(child) for child in children]
    return dict(zip(names, map(plain, children)))


def listed(value, *path):
    """What is at the end of a path as a list, whether the answer has none, one or several."""
    for name in path:
        value = value.get(name, "") if isinstance(value, dict) else value
    return value if isinstance(value, list) else [value] if value else []


def tags(pairs):
    """Labels by their keys, which every service spells in its own way."""
    found = {}
    for pair in pairs if isinstance(pairs, list) else []:
        lower = {key.lower(): value for key, value in pair.items()}
        found[lower["key"]] = lower["value"]
    return found
