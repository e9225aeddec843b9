"""A provider of notes, written with PyPI's `tf`. Its notes are in the JSON file that NOTES names."""

import json
import os
from pathlib import Path

from tf import runner
from tf.function import Function, FunctionSignature, Parameter, Return
from tf.iface import DataSource, Provider, Resource
from tf.schema import Attribute, Schema
from tf.types import Bool, List, Map, Number, Set, String

NOTES = Path(os.environ["NOTES"])


def load():
    return json.loads(NOTES.read_text()) if NOTES.exists() else {}


def save(notes):
    NOTES.write_text(json.dumps(notes))


class Note(Resource):
    def __init__(self, provider):
        self.provider = provider

    @classmethod
    def get_name(cls):
        return "note"

    @classmethod
    def get_schema(cls):
        return Schema(
            version=1,
            attributes=[
                Attribute("id", String(), computed=True),
                Attribute("title", String(), required=True),
                Attribute("pages", Number(), optional=True),
                Attribute("is_open", Bool(), optional=True, computed=True, default=True),
                Attribute("lines", List(String()), optional=True),
                Attribute("tags", Set(String()), optional=True),
                Attribute("words", Map(String()), optional=True),
                Attribute("shelf", String(), optional=True, requires_replace=True),
                Attribute("pin", String(), optional=True, sensitive=True),
                Attribute("region", String(), computed=True),
            ],
        )

    def validate(self, diags, type_name, config):
        if config["title"] == "":
            diags.add_error("Empty title", "a note has a title", ["title"])
        if config["title"] == "odd":
            diags.add_warning("Odd title", "that is an odd title", ["title"])

    def create(self, ctx, planned):
        notes = load()
        made = dict(planned, id=f"note-{len(notes) + 1}", region=self.provider.region)
        notes[made["id"]] = made
        save(notes)
        return made

    def read(self, ctx, current):
        return load().get(current["id"])

    def update(self, ctx, current, planned):
        notes = load()
        made = dict(planned, id=current["id"], region=self.provider.region)
        notes[current["id"]] = made
        save(notes)
        return made

    def delete(self, ctx, current):
        notes = load()
        notes.pop(current["id"], None)
        save(notes)

    def import_(self, ctx, id):
        note = load().get(id)
        if note is None:
            ctx.diagnostics.add_error("No such note", f"there is no {id}")
        return note

    def upgrade(self, ctx, version, old):
        return {name.replace("heading", "title"): value for name, value in old.items()}


class Shelf(DataSource):
    def __init__(self, provider):
        self.provider = provider

    @classmethod
    def get_name(cls):
        return "shelf"

    @classmethod
    def get_schema(cls):
        return Schema(
            attributes=[
                Attribute("name", String(), required=True),
                Attribute("titles", List(String()), computed=True),
            ]
        )

    def read(self, ctx, config):
        on = [note["title"] for note in load().values() if note["shelf"] == config["name"]]
        return dict(config, titles=sorted(on))


class Shout(Function):
    def __init__(self, provider):
        self.provider = provider

    @classmethod
    def get_name(cls):
        return "shout"

    @classmethod
    def get_signature(cls):
        return FunctionSignature(parameters=[Parameter("text", String())], return_type=Return(String()))

    def call(self, ctx, arguments):
        return arguments[0].upper()


class Notes(Provider):
    region = None

    def get_model_prefix(self):
        return "paper_"

    def full_name(self):
        return "example.com/x/paper"

    def get_provider_schema(self, diags):
        return Schema(attributes=[Attribute("region", String(), optional=True)])

    def validate_config(self, diags, config):
        if config["region"] == "nowhere":
            diags.add_error("No such region", "it is nowhere", ["region"])

    def configure_provider(self, diags, config):
        self.region = config["region"] or "somewhere"

    def get_data_sources(self):
        return [Shelf]

    def get_resources(self):
        return [Note]

    def get_functions(self):
        return [Shout]


runner.run_provider(Notes())
