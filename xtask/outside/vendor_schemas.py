"""The JSON schemas of requests and answers, as the clients that model services publish have them in their types.

Prints one object: for each service and wire the schema and where it is from. Objects have no field their type does not
name: what a client could not send is not to be sent, and what it would not know is not to be answered.
"""

import importlib.metadata
import json

from pydantic import BaseModel, ConfigDict, TypeAdapter


def closed(node):
    if isinstance(node, dict):
        node = {key: closed(value) for key, value in node.items()}
        if node.get("type") == "object" and "properties" in node:
            # Clients let answers have more than they know of; here that would hide every wrong name.
            if node.get("additionalProperties", True) is True:
                node["additionalProperties"] = False
        return node
    if isinstance(node, list):
        return [closed(value) for value in node]
    return node


def openai_chat():
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

    return CompletionCreateParamsStreaming


def openai_responses():
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

    return ResponseCreateParamsStreaming


def anthropic():
    from anthropic.types.message_create_params import MessageCreateParamsStreaming

    return MessageCreateParamsStreaming


def gemini():
    from google.genai import types

    # Google's client makes the body of these types; it has no type for the whole.
    class GenerateContentRequest(BaseModel):
        model_config = ConfigDict(extra="forbid")
        contents: list[types.Content]
        systemInstruction: types.Content | None = None
        tools: list[types.Tool] | None = None
        toolConfig: types.ToolConfig | None = None
        generationConfig: types.GenerationConfig | None = None

    return GenerateContentRequest


def mistral():
    from mistralai.client.models import ChatCompletionStreamRequest

    return ChatCompletionStreamRequest


def groq():
    from groq.types.chat.completion_create_params import CompletionCreateParams

    return CompletionCreateParams


def together():
    from together.types.chat.completion_create_params import CompletionCreateParamsStreaming

    return CompletionCreateParamsStreaming


def perplexity():
    from perplexity.types.chat.completion_create_params import CompletionCreateParamsStreaming

    return CompletionCreateParamsStreaming


def openrouter():
    from openrouter.components import ChatRequest

    return ChatRequest


def huggingface():
    from huggingface_hub.inference._generated.types.chat_completion import ChatCompletionInput

    return ChatCompletionInput


def chat_answer():
    from openai.types.chat import ChatCompletion

    return ChatCompletion


def chat_event():
    from openai.types.chat import ChatCompletionChunk

    return ChatCompletionChunk


def responses_answer():
    from openai.types.responses import Response

    return Response


def responses_event():
    from openai.types.responses import ResponseStreamEvent

    return ResponseStreamEvent


def messages_answer():
    from anthropic.types import Message

    return Message


def messages_event():
    from anthropic.types import RawMessageStreamEvent

    return RawMessageStreamEvent


def gemini_answer():
    from google.genai.types import GenerateContentResponse

    return GenerateContentResponse


PUBLISHED = {
    "openai chat": ("openai", openai_chat),
    "openai responses": ("openai", openai_responses),
    "anthropic messages": ("anthropic", anthropic),
    "gemini gemini": ("google-genai", gemini),
    "mistral chat": ("mistralai", mistral),
    "groq chat": ("groq", groq),
    "together chat": ("together", together),
    "perplexity chat": ("perplexityai", perplexity),
    "openrouter chat": ("openrouter", openrouter),
    "huggingface chat": ("huggingface-hub", huggingface),
    "answer over chat": ("openai", chat_answer),
    "event over chat": ("openai", chat_event),
    "answer over responses": ("openai", responses_answer),
    "event over responses": ("openai", responses_event, "ResponseStreamEvent"),
    "answer over messages": ("anthropic", messages_answer),
    "event over messages": ("anthropic", messages_event, "RawMessageStreamEvent"),
    "answer over gemini": ("google-genai", gemini_answer),
    "event over gemini": ("google-genai", gemini_answer),
}

schemas = {}
for name, (package, load, *called) in PUBLISHED.items():
    kind = load()
    # A choice among several types does not know its own name.
    called = called[0] if called else kind.__name__
    schemas[name] = {
        "from": f"{package} {importlib.metadata.version(package)}, {called}",
        "schema": closed(TypeAdapter(kind).json_schema(by_alias=True)),
    }
print(json.dumps(schemas))
