//! The table of known services. Owns their rows: addresses, variables, default models, deviations.

use super::Vendor;
use crate::http::{CostReport, Dialect, OutputSchema, SystemMessages, Temperature, TokenLimit, Wire};

const HOSTED: Dialect = Dialect { system: SystemMessages::Anywhere, ..Dialect::LENIENT };

/// OpenAI's models that reason, and so take no temperature.
const OPENAI_REASONING: &[&str] = &["gpt-5", "gpt-6", "o1", "o3", "o4"];

pub(super) const VENDORS: &[Vendor] = &[
    Vendor {
        name: "xai",
        title: "xAI",
        key_env: &["XAI_API_KEY", "GROK_API_KEY"],
        base_url_env: "XAI_BASE_URL",
        host_env: None,
        base_url: "https://api.x.ai/v1",
        default_model: Some("grok-4.5"),
        // Its models do not combine a schema with tools.
        wire: Wire::Responses,
        dialect: Dialect {
            output_schema: OutputSchema::WithoutTools,
            encrypts_reasoning: &["grok-"],
            cost: CostReport::UsageTicks,
            ..HOSTED
        },
    },
    Vendor {
        name: "openai",
        title: "OpenAI",
        key_env: &["OPENAI_API_KEY"],
        base_url_env: "OPENAI_BASE_URL",
        host_env: None,
        base_url: "https://api.openai.com/v1",
        default_model: Some("gpt-5.4-mini"),
        wire: Wire::Responses,
        dialect: Dialect {
            token_limit: TokenLimit::MaxCompletionTokens,
            temperature: Temperature::ExceptModels(OPENAI_REASONING),
            encrypts_reasoning: OPENAI_REASONING,
            idempotency_key: true,
            ..HOSTED
        },
    },
    Vendor {
        name: "anthropic",
        title: "Anthropic",
        key_env: &["ANTHROPIC_API_KEY"],
        base_url_env: "ANTHROPIC_BASE_URL",
        host_env: None,
        base_url: "https://api.anthropic.com/v1",
        default_model: Some("claude-sonnet-5"),
        wire: Wire::Messages,
        dialect: Dialect {
            // Its current models refuse it.
            temperature: Temperature::Never,
            request_id_header: "request-id",
            ..HOSTED
        },
    },
    Vendor {
        name: "gemini",
        title: "Google Gemini",
        key_env: &["GEMINI_API_KEY"],
        base_url_env: "GEMINI_BASE_URL",
        host_env: None,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        default_model: Some("gemini-flash-latest"),
        wire: Wire::Gemini,
        // Schemas beside tools are taken by its newest models only.
        dialect: Dialect { output_schema: OutputSchema::WithoutTools, ..HOSTED },
    },
    Vendor {
        name: "mistral",
        title: "Mistral",
        key_env: &["MISTRAL_API_KEY"],
        base_url_env: "MISTRAL_BASE_URL",
        host_env: None,
        base_url: "https://api.mistral.ai/v1",
        default_model: Some("mistral-medium-latest"),
        // It refuses unknown fields and sends token counts unasked.
        wire: Wire::Chat,
        dialect: Dialect { stream_options: false, system: SystemMessages::FirstOnly, ..HOSTED },
    },
    Vendor {
        name: "cohere",
        title: "Cohere",
        key_env: &["COHERE_API_KEY"],
        base_url_env: "COHERE_BASE_URL",
        host_env: None,
        base_url: "https://api.cohere.ai/compatibility/v1",
        default_model: Some("command-a-03-2025"),
        wire: Wire::Chat,
        dialect: Dialect {
            output_schema: OutputSchema::Never,
            stream_options: false,
            system: SystemMessages::FirstOnly,
            ..HOSTED
        },
    },
    Vendor {
        name: "perplexity",
        title: "Perplexity",
        key_env: &["PERPLEXITY_API_KEY"],
        base_url_env: "PERPLEXITY_BASE_URL",
        host_env: None,
        base_url: "https://api.perplexity.ai",
        default_model: Some("sonar-pro"),
        wire: Wire::Chat,
        dialect: Dialect {
            tools: false,
            stream_options: false,
            system: SystemMessages::FirstOnly,
            cost: CostReport::UsageCost,
            ..HOSTED
        },
    },
    Vendor {
        name: "groq",
        title: "Groq",
        key_env: &["GROQ_API_KEY"],
        base_url_env: "GROQ_BASE_URL",
        host_env: None,
        base_url: "https://api.groq.com/openai/v1",
        default_model: Some("openai/gpt-oss-120b"),
        // It takes schemas only in requests that are neither streamed nor have tools.
        wire: Wire::Chat,
        dialect: Dialect { output_schema: OutputSchema::Never, ..HOSTED },
    },
    Vendor {
        name: "huggingface",
        title: "Hugging Face",
        key_env: &["HF_TOKEN", "HUGGINGFACE_API_KEY", "HF_API_KEY"],
        base_url_env: "HUGGINGFACE_BASE_URL",
        host_env: None,
        base_url: "https://router.huggingface.co/v1",
        default_model: Some("openai/gpt-oss-120b"),
        // It routes to many services; not all of them take schemas.
        wire: Wire::Chat,
        dialect: Dialect { output_schema: OutputSchema::Never, system: SystemMessages::FirstOnly, ..HOSTED },
    },
    Vendor {
        name: "openrouter",
        title: "OpenRouter",
        key_env: &["OPENROUTER_API_KEY"],
        base_url_env: "OPENROUTER_BASE_URL",
        host_env: None,
        base_url: "https://openrouter.ai/api/v1",
        default_model: Some("openrouter/auto"),
        wire: Wire::Chat,
        dialect: Dialect {
            returns_reasoning: true,
            cost: CostReport::UsageCost,
            // Its list of models is public, so it would not show a wrong key.
            probe_path: "/key",
            ..HOSTED
        },
    },
    Vendor {
        name: "deepseek",
        title: "DeepSeek",
        key_env: &["DEEPSEEK_API_KEY"],
        base_url_env: "DEEPSEEK_BASE_URL",
        host_env: None,
        base_url: "https://api.deepseek.com/v1",
        default_model: Some("deepseek-v4-flash"),
        // Its thinking models refuse a conversation whose tool calls come back without their reasoning.
        wire: Wire::Chat,
        dialect: Dialect { output_schema: OutputSchema::Never, returns_reasoning: true, ..HOSTED },
    },
    Vendor {
        name: "together",
        title: "Together AI",
        key_env: &["TOGETHER_API_KEY"],
        base_url_env: "TOGETHER_BASE_URL",
        host_env: None,
        base_url: "https://api.together.xyz/v1",
        default_model: Some("openai/gpt-oss-120b"),
        // It sends token counts unasked; which models take schemas differs.
        wire: Wire::Chat,
        dialect: Dialect { output_schema: OutputSchema::Never, stream_options: false, numbers_calls: true, ..HOSTED },
    },
    Vendor {
        name: "ollama",
        title: "Ollama",
        key_env: &[],
        base_url_env: "OLLAMA_BASE_URL",
        host_env: Some("OLLAMA_HOST"),
        base_url: "http://127.0.0.1:11434/v1",
        default_model: None,
        wire: Wire::Chat,
        dialect: Dialect::LOCAL,
    },
    Vendor {
        name: "lmstudio",
        title: "LM Studio",
        key_env: &[],
        base_url_env: "LMSTUDIO_BASE_URL",
        host_env: None,
        base_url: "http://127.0.0.1:1234/v1",
        default_model: None,
        wire: Wire::Chat,
        dialect: Dialect::LOCAL,
    },
    Vendor {
        name: "llamacpp",
        title: "llama.cpp",
        key_env: &[],
        base_url_env: "LLAMACPP_BASE_URL",
        host_env: None,
        base_url: "http://127.0.0.1:8080/v1",
        default_model: None,
        wire: Wire::Chat,
        dialect: Dialect::LOCAL,
    },
    Vendor {
        name: "vllm",
        title: "vLLM",
        key_env: &[],
        base_url_env: "VLLM_BASE_URL",
        host_env: None,
        base_url: "http://127.0.0.1:8000/v1",
        default_model: None,
        wire: Wire::Chat,
        dialect: Dialect::LOCAL,
    },
];
