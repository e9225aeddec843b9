#!/usr/bin/env python3
"""Records what Terraform answers to the expressions in the case files, which the tests compare with what we answer.

    record.py [FILE...]      default: every *.txt beside this script

The format is that of ../functions/record.sh: a line `> EXPRESSION`, and below it what the console prints (lines that begin with
two spaces) or an error (a line that begins with `! `). Lines that begin with `~ ` say what Mainstay answers instead, on
purpose; they and comments (`#`) are kept. Two things are more than there: `⏎` in an expression is a line break, and
`EXPRESSION as TYPE` is the expression given to a module's variable of this type.

It needs `terraform` on PATH, and reaches no network.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODULE = 'variable "v" {{\n  type = {type}\n}}\noutput "v" {{\n  value     = var.v\n  sensitive = {hides}\n}}\n'


def terraform(folder, *arguments, text=""):
    env = {"PATH": os.environ["PATH"], "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1", "HOME": "/home/ada"}
    done = subprocess.run(["terraform", *arguments], cwd=folder, env=env, input=text, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def template(above):
    """The project with its module known, so that no case needs `init`."""
    folder = above / "template"
    shutil.copytree(HERE / "project", folder, ignore=shutil.ignore_patterns("m"))
    (folder / "m").mkdir()
    (folder / "m" / "main.tf").write_text(MODULE.format(type="any", hides="false"))
    (folder / "case.tf").write_text('module "m" {\n  source = "./m"\n  v      = 1\n}\n')
    code, _, err = terraform(folder, "init", "-input=false")
    if code:
        sys.exit(err)
    return folder


def answer(project, above, expression):
    folder = pathlib.Path(tempfile.mkdtemp(dir=above))
    shutil.copytree(project, folder, dirs_exist_ok=True)
    inner = expression[5:-1] if expression.startswith("type(") and expression.endswith(")") else None
    body = (inner or expression).replace("⏎", "\n")
    asked = body
    if " as " in body:
        value, type_ = body.rsplit(" as ", 1)
        hides = "true" if "secret" in value or "sensitive" in value else "false"
        (folder / "m" / "main.tf").write_text(MODULE.format(type=type_, hides=hides))
        (folder / "case.tf").write_text(f'module "m" {{\n  source = "./m"\n  v = {value}\n}}\n')
        asked = "module.m.v"
    else:
        (folder / "case.tf").unlink()
        if "\n" in body:
            (folder / "case.tf").write_text(f"locals {{\n  x = {body}\n}}\n")
            asked = "local.x"
    code, out, err = terraform(folder, "console", "-no-color", text=(f"type({asked})" if inner else asked) + "\n")
    shutil.rmtree(folder)
    # Where a value does not suit its variable the console goes on, without it.
    if code == 0 and out and "may produce unexpected results" not in out:
        return "".join(f"  {line}\n" for line in out.splitlines())
    return f"! {message(err)}\n"


def message(text):
    """The text of the first error, without its heading and its place."""
    first = re.split(r"^Error: ", text, flags=re.M)[1:2]
    if not first:
        return " ".join(text.split())
    parts = [p for p in first[0].split("\n\n")[1:] if not p.startswith("  on ")]
    text = " ".join(" ".join(parts).split())
    return re.sub(r"^The given value is not suitable for \S+ declared at \S+: ", "", text) or first[0].splitlines()[0]


def main():
    files = [pathlib.Path(a) for a in sys.argv[1:]] or sorted(HERE.glob("*.txt"))
    with tempfile.TemporaryDirectory() as above, concurrent.futures.ThreadPoolExecutor(2) as pool:
        above = pathlib.Path(above)
        project = template(above)
        for file in files:
            lines = file.read_text().splitlines()
            asked = [line[2:] for line in lines if line.startswith("> ")]
            answers = pool.map(lambda e: answer(project, above, e), asked)
            out = []
            for line in lines:
                if line.startswith("> "):
                    out.append(f"\n{line}\n{next(answers)}")
                elif line.startswith(("~ ", "#")):
                    out.append(line + "\n")
            file.write_text("".join(out).lstrip("\n"))
            print(f"{file.name}: {len(asked)}")


if __name__ == "__main__":
    main()
