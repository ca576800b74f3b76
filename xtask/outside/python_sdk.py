"""The Python SDK of MCP against a server: both transports, the old handshake, negotiation and the newest version by name, and
tasks. Prints `passed<TAB>section<TAB>check` or `failed<TAB>section<TAB>check<TAB>problem` for each check. Its argument is a
JSON object with `url`, `command`, `arguments`, `environment` and `corpus`.
"""

import asyncio
import json
import sys
from typing import Any, Literal

import mcp_types as types
from mcp.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from pydantic import Field

QUESTION = "When does the Millgate lock work?"
TASKS = "io.modelcontextprotocol/tasks"
NEWEST = "2026-07-28"
MODES = ["legacy", "auto", NEWEST]
# Seconds one check may take, and how often a task is looked at while it lasts.
CHECK_MAX = 60
LOOKS_MAX = 100


class TaskResult(types.Result):
    """What a call is answered with that has become a task."""

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str
    poll_interval_ms: int | None = Field(default=None, alias="pollIntervalMs")


class TaskParams(types.RequestParams):
    task_id: str = Field(alias="taskId")


class GetTask(types.Request[TaskParams, Literal["tasks/get"]]):
    name_param = "taskId"
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams


class CancelTask(types.Request[TaskParams, Literal["tasks/cancel"]]):
    name_param = "taskId"
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams


class TaskState(types.Result):
    model_config = {"extra": "allow", "populate_by_name": True}

    status: str
    result: dict[str, Any] | None = None


class Tasks(ClientExtension):
    """Follows tasks to their end, and remembers them."""

    identifier = TASKS

    def __init__(self) -> None:
        self.seen: list[str] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskResult, resolve=self.follow)]

    async def follow(self, task: TaskResult, context: ClaimContext) -> types.CallToolResult:
        self.seen.append(task.task_id)
        for _ in range(LOOKS_MAX):
            state = await context.session.send_request(GetTask(params=TaskParams(taskId=task.task_id)), TaskState)
            if state.status == "completed" and state.result is not None:
                return types.CallToolResult.model_validate(state.result)
            if state.status in ("failed", "cancelled"):
                raise RuntimeError(f"the task is {state.status}")
            await asyncio.sleep(min(task.poll_interval_ms or 1000, 200) / 1000)
        raise RuntimeError("the task does not end")


class Checks:
    """The checks of one section."""

    def __init__(self, section: str) -> None:
        self.section = section

    async def check(self, name: str, work: Any) -> Any:
        """Runs one check; its problem is its exception."""
        try:
            value = await asyncio.wait_for(work, CHECK_MAX)
        except Exception as problem:  # noqa: BLE001 - whatever a client meets is what is wanted here
            text = " ".join(f"{type(problem).__name__}: {problem}".split())
            print("failed", self.section, name, text[:600], sep="\t", flush=True)
            return None
        print("passed", self.section, name, sep="\t", flush=True)
        return value


def holds(condition: bool, what: object) -> None:
    if not condition:
        raise AssertionError(what)


def text_of(result: types.CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, types.TextContent))


def is_report(result: types.CallToolResult) -> None:
    holds(not result.is_error and "two hours before" in text_of(result), text_of(result)[:200])


async def everything(client: Client, mode: str, corpus: str, checks: Checks) -> None:
    """What every client can do."""
    search = {"query": QUESTION, "corpus": [corpus]}

    async def version() -> None:
        holds((client.protocol_version == NEWEST) == (mode != "legacy"), client.protocol_version)

    async def tools() -> None:
        listed = await client.list_tools()
        holds(len(listed.tools) == 12, [tool.name for tool in listed.tools])

    async def cheap() -> None:
        result = await client.call_tool("list_orchestrator_patterns", {})
        holds(bool(result.structured_content and result.structured_content["patterns"]), result)

    async def waits() -> None:
        is_report(await client.call_tool("orchestrate_search", {**search, "wait_seconds": 30}))

    async def progress() -> None:
        told: list[float] = []

        async def heard(value: float, total: float | None, message: str | None) -> None:
            told.append(value)

        call = {**search, "query": QUESTION + " And when not?", "wait_seconds": 30}
        result = await client.call_tool("orchestrate_search", call, progress_callback=heard)
        holds(not result.is_error, text_of(result)[:200])
        holds(told == sorted(set(told)), told)

    async def later() -> None:
        begun = await client.call_tool("orchestrate_search", {**search, "wait_seconds": 0})
        holds(begun.structured_content is not None, begun)
        task_id = begun.structured_content["task_id"]
        is_report(await client.call_tool("wait_for_orchestration", {"task_id": task_id, "wait_seconds": 30}))
        report = await client.read_resource(f"orchestrator://{task_id}/report")
        holds("two hours before" in report.contents[0].text, report)

    async def refused() -> None:
        result = await client.call_tool("orchestrate_search", {"query": "short"})
        holds(result.is_error, result)

    async def unknown() -> None:
        try:
            result = await client.call_tool("no_such_tool", {})
        except MCPError as error:
            holds(error.error.code == -32602, error)
        else:
            raise AssertionError(result)

    async def resources() -> None:
        listed = await client.list_resources()
        read = await client.read_resource(str(listed.resources[0].uri))
        holds(bool(read.contents), read)
        templates = await client.list_resource_templates()
        holds(bool(templates.resource_templates), templates)

    async def prompts() -> None:
        listed = await client.list_prompts()
        holds(len(listed.prompts) == 2, listed)
        wanted = {argument.name: QUESTION for argument in listed.prompts[0].arguments or [] if argument.required}
        rendered = await client.get_prompt(listed.prompts[0].name, wanted)
        holds(bool(rendered.messages), rendered)

    async def completion() -> None:
        reference = types.ResourceTemplateReference(type="ref/resource", uri="orchestrator://{pattern}/info")
        completed = await client.complete(reference, {"name": "pattern", "value": "belt"})
        holds(completed.completion.values == ["beltalowda"], completed)

    for check in (version, tools, cheap, waits, progress, later, refused, unknown, resources, prompts, completion):
        await checks.check(check.__name__, check())


async def tasks(client: Client, extension: Tasks, corpus: str, checks: Checks) -> None:
    """What a client can do that declares the tasks extension."""

    async def offered() -> None:
        holds(TASKS in (client.server_capabilities.extensions or {}), client.server_capabilities)

    async def followed() -> None:
        before = len(extension.seen)
        is_report(await client.call_tool("orchestrate_search", {"query": QUESTION, "corpus": [corpus]}))
        holds(len(extension.seen) == before + 1, "the call has not become a task")

    async def read_again() -> None:
        state = await client.session.send_request(GetTask(params=TaskParams(taskId=extension.seen[-1])), TaskState)
        holds(state.status == "completed", state)

    async def cancelled_late() -> None:
        await client.session.send_request(CancelTask(params=TaskParams(taskId=extension.seen[-1])), types.EmptyResult)
        await read_again()

    async def unknown() -> None:
        try:
            await client.session.send_request(GetTask(params=TaskParams(taskId="search_unknown")), TaskState)
        except MCPError as error:
            holds(error.error.code == -32602, error)
        else:
            raise AssertionError("an unknown task was found")

    for check in (offered, followed, read_again, cancelled_late, unknown):
        await checks.check(check.__name__, check())


async def main(target: dict[str, Any]) -> None:
    def server(transport: str) -> Any:
        if transport == "HTTP":
            return target["url"]
        started = StdioServerParameters(
            command=target["command"], args=target["arguments"], env=target["environment"]
        )
        return stdio_client(started)

    for transport in ("HTTP", "stdio"):
        for mode in MODES:
            checks = Checks(f"{mode} over {transport}")

            async def connected() -> None:
                async with Client(server(transport), mode=mode) as client:
                    await everything(client, mode, target["corpus"], checks)

            await checks.check("connects and leaves", connected())
        checks = Checks(f"tasks over {transport}")

        async def with_tasks() -> None:
            extension = Tasks()
            async with Client(server(transport), mode="auto", extensions=[extension]) as client:
                await tasks(client, extension, target["corpus"], checks)

        await checks.check("connects and leaves", with_tasks())


asyncio.run(main(json.loads(sys.argv[1])))
