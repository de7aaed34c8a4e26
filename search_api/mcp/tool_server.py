"""The tools over the protocol: listed, called side by side, their errors as answers of one line."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool

from indexer.errors import QueryError, SearchError
from search_api.mcp.loading import Loading
from search_api.mcp.tools import INSTRUCTIONS, TOOLS, Tool

_LOG = logging.getLogger(__name__)
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def tool_server(loading: Loading) -> Server[None]:
    """A server of the tools; `loading` begins with the first connection. All work is done in threads."""
    tools = {tool.name: tool for tool in TOOLS}

    @asynccontextmanager
    async def lifespan(_: Server[None]) -> AsyncIterator[None]:
        loading.start()
        yield

    async def list_tools(_: ServerRequestContext[None], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(tool) for tool in TOOLS])

    async def call_tool(_: ServerRequestContext[None], asked: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(asked.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {asked.name[:40]!r}, expected {' or '.join(tools)}")
        return await to_thread.run_sync(_result, tool, loading, asked.arguments or {}, abandon_on_cancel=True)

    return Server(
        "multilingual-search",
        title="Multilingual search",
        version=version("multilingual-search"),
        instructions=INSTRUCTIONS,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _listed(tool: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.takes.model_json_schema(),
        output_schema=tool.gives.model_json_schema(mode="serialization"),
        annotations=_READS,
    )


def _result(tool: Tool[Any], loading: Loading, arguments: dict[str, Any]) -> CallToolResult:
    try:
        answer = tool(loading.opened, arguments)
    except QueryError as error:
        return _mistake(str(error))
    except SearchError as error:
        _LOG.error("%s", error)  # it may name files, which is nothing for a model
        return _mistake("the collection cannot be read at the moment; the log of search-mcp says why")
    except Exception:  # noqa: BLE001 - it is logged, and a model is told nothing of the inside
        _LOG.exception("the tool %s failed", tool.name)
        return _mistake("search-mcp failed to answer; its log says why")
    text = TextContent(text=answer.text)
    return CallToolResult(content=[text], structured_content=answer.fields.model_dump(mode="json"))


def _mistake(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
