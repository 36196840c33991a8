"""An agent that uses the tools of examples/agents; run by the environment in build/consumers.

Prints what its calls answered, and which tools there are, with what they take. It is given the
paths of the example and of the document.
"""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from fastmcp import Client

STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 30, "result": True}}


async def main(example: str, document: Any) -> None:
    spec = importlib.util.spec_from_file_location("example", example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    async with Client(module.server(document)) as agent:
        tools = {tool.name: [*tool.input_schema["properties"]] for tool in await agent.list_tools()}

        async def call(name: str, **arguments: Any) -> Any:
            return (await agent.call_tool(name, arguments)).structured_content

        created = await call("createAssembly", steps=STEPS, fields={"caption": "Grüße"})
        named = {"assembly_id": created["assembly_id"]}
        read = await call("getAssembly", **named)
        cancelled = await call("cancelAssembly", **named)
    answers = [created["ok"], read["ok"], cancelled["ok"]]
    print(json.dumps({"tools": tools, "answers": answers, **named}))


asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
