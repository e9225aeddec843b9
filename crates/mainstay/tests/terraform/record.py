#!/usr/bin/env python3
"""Records what Terraform 1.11.4 answers to the cases beside this script; the tests compare with what Mainstay answers.

    record.py [--twice] [cases|broken|fmt] [NAME...]      default: everything

README.md says what a case looks like. It needs `terraform` on PATH and reaches no network. `--twice` records everything a
second time and says what came out differently: such a case must not be kept.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DEFAULT_RUNS = [{"files": "1"}, {"files": "2"}, {}, {"plan": ["-destroy"]}]


class Normaliser:
    """Makes recordings comparable: see the section of that name in README.md. `../it/terraform/normal.rs` does the same."""

    def __init__(self, folder):
        self.folder, self.ids, self.deposed = str(folder), {}, {}

    def text(self, text, time=None):
        if time and text == time:
            return "TIME"
        text = text.replace(self.folder, "/case")
        return ID.sub(lambda found: self.ids.setdefault(found.group(), f"id-{len(self.ids) + 1}"), text)

    def json(self, value, time=None, key=None):
        if key == "serial":
            # How often a state is written while it is made depends on the time.
            return "SERIAL"
        if isinstance(value, str):
            if key in ("deposed", "deposed_key"):
                return self.deposed.setdefault(value, f"deposed-{len(self.deposed) + 1}")
            if key == "lineage":
                return "LINEAGE"
            return self.text(value, time)
        if isinstance(value, list):
            return [self.json(element, time) for element in in_order(key, value)]
        if isinstance(value, dict):
            kept = sorted(k for k in value if k != "terraform_version")
            return {self.text(k, time): self.json(value[k], time, k) for k in kept}
        return value


def in_order(key, elements):
    """Lists without an order of their own get one; it comes before ids are numbered."""
    if key == "relevant_attributes":
        return sorted(elements, key=lambda e: (e["resource"], json.dumps(e["attribute"])))
    if key == "child_modules":
        return sorted(elements, key=lambda e: e["address"])
    if key == "checks" or (key == "instances" and isinstance(elements[0].get("address"), dict)):
        return sorted(elements, key=lambda e: e["address"]["to_display"])
    return elements


def number(token):
    """A number that a double may not hold exactly is kept as its text."""
    if len(token) > 15:
        return "number " + token
    value = float(token)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def read_json(text):
    return json.loads(text, parse_int=number, parse_float=number)


def pretty(value, indent=0):
    """JSON with each part that fits on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= 118 or not value or not isinstance(value, (list, dict)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, list):
        body = [pad + pretty(element, indent + 1) for element in value]
        return "[\n" + ",\n".join(body) + "\n" + " " * indent + "]"
    body = [f"{pad}{json.dumps(k, ensure_ascii=False)}: {pretty(v, indent + 1)}" for k, v in value.items()]
    return "{\n" + ",\n".join(body) + "\n" + " " * indent + "}"


class Terraform:
    def __init__(self, folder, env):
        rc = folder.parent / "empty.rc"
        rc.touch()
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder.parent), "TF_CLI_CONFIG_FILE": str(rc),
            "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", **env,
        }

    def __call__(self, *arguments, env=None):
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.folder, env={**self.env, **(env or {})}, capture_output=True,
            text=True, stdin=subprocess.DEVNULL, timeout=120,
        )
        return done.returncode, done.stdout, done.stderr


def place(diagnostic):
    where = diagnostic.get("range") or {}
    kept = {"severity": diagnostic["severity"], "summary": diagnostic["summary"]}
    if where:
        kept |= {"file": where["filename"], "line": where["start"]["line"]}
    return kept


def diagnostics(found, normaliser):
    found = [place(d) for d in found]
    found = [{k: normaliser.text(v) if isinstance(v, str) else v for k, v in d.items()} for d in found]
    return sorted(found, key=lambda d: (d.get("file", ""), d.get("line", 0), d["severity"], d["summary"]))


def stream(text, normaliser):
    """The messages of a `-json` run: its diagnostics, and every other message in one line of text."""
    faults, lines = [], []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        message = read_json(line)
        kind = message["type"]
        if kind == "diagnostic":
            faults.append(message["diagnostic"])
        elif kind in ("planned_change", "resource_drift"):
            lines.append(changed(kind, message["change"]))
        elif kind == "change_summary":
            counts = message["changes"]
            lines.append(" ".join([kind] + [f"{k}={counts[k]}" for k in sorted(counts)]))
        elif kind == "outputs":
            for name, output in message["outputs"].items():
                secret = " sensitive" if output.get("sensitive") else ""
                lines.append(f"output {name} {output.get('action', 'set')}{secret}")
        elif "hook" in message:
            hook = message["hook"]
            words = [kind, hook["resource"]["addr"]] + [hook[k] for k in ("action", "provisioner", "output") if k in hook]
            if not kind.endswith("_progress") or "output" in hook:
                lines.append(ID.sub("ID", " ".join(words).replace(normaliser.folder, "/case").rstrip()))
    return diagnostics(faults, normaliser), sorted(lines)


def changed(kind, change):
    words = [kind, change["resource"]["addr"], change["action"]]
    if "reason" in change:
        words.append(change["reason"])
    if "previous_resource" in change:
        words.append("from " + change["previous_resource"]["addr"])
    if "importing" in change:
        words.append("importing")
    return " ".join(words)


def streamed(terraform, normaliser, *arguments, env=None):
    code, out, err = terraform(*arguments, env=env)
    faults, messages = stream(out, normaliser)
    if code == 1 and not faults:
        raise RuntimeError(f"{arguments}: {out}{err}")
    return {"exit": code} | ({"diagnostics": faults} if faults else {}) | ({"messages": messages} if messages else {})


def put_files(case, run, folder):
    for name in run.get("remove", []):
        target = folder / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    if "files" in run:
        shutil.copytree(case / run["files"], folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.fmt"))


def one_run(run, terraform, normaliser):
    record = {}
    if "files" in run or "remove" in run:
        code, out, err = terraform("init", "-json", "-input=false")
        if code != 0:
            return {"init": {"exit": code, "diagnostics": stream(out, normaliser)[0]}}
    if "command" in run:
        code, out, err = terraform(*run["command"], env=run.get("env"))
        record["command"] = {"exit": code}
        if code != 0 and run["command"][0] != "init":
            record["command"]["fault"] = normaliser.text(first_summary(out + err))
        elif run.get("keep") == "text":
            record["command"]["text"] = normaliser.text(out).splitlines()
        elif run.get("keep") == "json":
            record["command"]["json"] = normaliser.json(read_json(out))
    else:
        plan = streamed(
            terraform, normaliser, "plan", "-json", "-input=false", "-detailed-exitcode", "-out=saved.plan",
            *run.get("plan", []), env=run.get("env"),
        )
        record["plan"] = plan
        if plan["exit"] == 1:
            # How far a failing plan gets is chance.
            plan.pop("messages", None)
            return record
        code, out, err = terraform("show", "-json", "saved.plan")
        planned = read_json(out)
        record["planned"] = normaliser.json(planned, planned["timestamp"])
        if run.get("only_plan"):
            return record
        record["apply"] = streamed(
            terraform, normaliser, "apply", "-json", "-input=false", *run.get("apply", []), "saved.plan",
            env=run.get("env"),
        )
    record["state"] = normaliser.json(read_json(terraform("show", "-json")[1]))
    record["output"] = normaliser.json(read_json(terraform("output", "-json")[1]))
    if record["output"] == record["state"].get("values", {}).get("outputs", {}):
        # `output -json` says what the state says, in nearly every case.
        record["output"] = "as in the state"
    return record


def first_summary(text):
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    found = re.search(r"Error: (.*)", text)
    return found.group(1) if found else text.strip().splitlines()[0] if text.strip() else ""


def record_case(case):
    description = read_json((case / "case.json").read_text()) if (case / "case.json").exists() else {}
    runs = description.get("runs") or [r for r in DEFAULT_RUNS if "files" not in r or (case / r["files"]).exists()]
    recorded = {}
    with tempfile.TemporaryDirectory(prefix="oracle-") as above:
        folder = pathlib.Path(above) / "case"
        folder.mkdir()
        terraform, normaliser = Terraform(folder, description.get("env", {})), Normaliser(folder)
        for index, run in enumerate(runs, 1):
            put_files(case, run, folder)
            record = one_run(run, terraform, normaliser)
            recorded[f"{index}.json"] = pretty(record) + "\n"
            if len(recorded) == 1 and "runs" not in description and record.get("plan", {}).get("exit") == 1 and runs[1] == {}:
                break  # Nothing was made and nothing changes: running it again would say the same.
    return recorded


def record_broken(case):
    description = read_json((case / "case.json").read_text()) if (case / "case.json").exists() else {}
    record = {}
    with tempfile.TemporaryDirectory(prefix="oracle-") as above:
        folder = pathlib.Path(above) / "case"
        shutil.copytree(case, folder, ignore=shutil.ignore_patterns("*.fmt", "recorded.json", "case.json"))
        terraform, normaliser = Terraform(folder, description.get("env", {})), Normaliser(folder)
        if description.get("init", True):
            record["init"] = streamed_init(terraform, normaliser)
        code, out, _ = terraform("validate", "-json")
        record["validate"] = verdict(code, diagnostics(read_json(out)["diagnostics"], normaliser))
        if all(verb["exit"] == 0 for verb in record.values()):
            flags = description.get("plan", [])
            record["plan"] = streamed(terraform, normaliser, "plan", "-json", "-input=false", "-out=saved.plan", *flags)
            if record["plan"]["exit"] == 0:
                record["apply"] = streamed(terraform, normaliser, "apply", "-json", "saved.plan")
                if record["apply"]["exit"] == 0:
                    raise RuntimeError(f"{case}: nothing is wrong with it")
    for verb in record.values():
        verb.pop("messages", None)
        if "diagnostics" in verb:
            verb["diagnostics"] = distinct(verb["diagnostics"])
    return {"recorded.json": pretty(record) + "\n"}


def distinct(faults):
    """Each fault once (`init` says each twice, under a heading), and a cycle without its members, which come in any order."""
    kept = []
    for fault in faults:
        if fault["summary"].startswith("Cycle: "):
            fault = fault | {"summary": "Cycle"}
        if fault not in kept and not fault["summary"].startswith("Terraform encountered problems during initialisation"):
            kept.append(fault)
    return kept


def streamed_init(terraform, normaliser):
    code, out, _ = terraform("init", "-json", "-input=false")
    return verdict(code, stream(out, normaliser)[0])


def verdict(code, faults):
    return {"exit": code} | ({"diagnostics": faults} if faults else {})


def record_fmt(path):
    done = subprocess.run(
        ["terraform", "fmt", "-"], input=path.read_bytes(), capture_output=True,
        env={"PATH": os.environ["PATH"], "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"},
    )
    return done.stdout if done.returncode == 0 else None


def all_cases():
    return sorted(p for p in (HERE / "cases").glob("*/*") if p.is_dir())


def all_broken():
    return sorted(p for p in (HERE / "broken").iterdir() if p.is_dir())


def write(folder, files):
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        if old.name not in files and folder.name == "recorded":
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


def named(paths, names):
    return [p for p in paths if not names or any(n == p.name or n in str(p) for n in names)]


def each(paths, record, keep, twice):
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        def attempt(path):
            try:
                first = record(path)
                again = record(path) if twice else first
                return path, first, None if again == first else "is recorded differently each time"
            except Exception as error:  # Every case is tried; what fails is told at the end.
                return path, None, f"{type(error).__name__}: {error}"
        for path, recorded, fault in pool.map(attempt, paths):
            if recorded is not None:
                keep(path, recorded)
            if fault:
                failed += 1
                print(f"{path.relative_to(HERE)}: {fault}", file=sys.stderr)
    print(f"{len(paths)} recorded, {failed} with faults")
    return failed


def keep_fmt(path, text):
    beside = path.with_name(path.name + ".fmt")
    beside.unlink(missing_ok=True)
    if text != path.read_bytes():
        beside.write_bytes(text)


def fmt_everything():
    paths = sorted(p for ending in ("*.tf", "*.tfvars") for p in HERE.rglob(ending))
    refused = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, text in zip(paths, pool.map(record_fmt, paths)):
            if text is None:
                refused.append(str(path.relative_to(HERE)))
            else:
                keep_fmt(path, text)
    (HERE / "fmt" / "refused.txt").write_text("".join(name + "\n" for name in refused))
    print(f"{len(paths)} formatted, {len(refused)} refused")


def main():
    arguments = sys.argv[1:]
    twice = "--twice" in arguments
    arguments = [a for a in arguments if a != "--twice"]
    what = arguments.pop(0) if arguments and arguments[0] in ("cases", "broken", "fmt") else "everything"
    failed = 0
    if what in ("cases", "everything"):
        failed += each(named(all_cases(), arguments), record_case, lambda p, r: write(p / "recorded", r), twice)
    if what in ("broken", "everything"):
        failed += each(named(all_broken(), arguments), record_broken, lambda p, r: write(p, r), twice)
    if what in ("fmt", "everything"):
        fmt_everything()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
