"""The paths of an instance host that no page describes; answers of the API name their URLs."""

TUS_PATH = "/resumable/files/"
EVENTS_PATH = "/ws20000"
FILES_PATH = "/files/"
