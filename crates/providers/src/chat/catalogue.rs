//! The services this version can talk to. Owns names, addresses and the environment variables they are configured by;
//! reads none of them.

use secrecy::SecretString;

use super::{
    ChatProviderBuilder,
    dialect::{CostReport, Dialect, OutputSchema, Probe, ProbeAuth, SystemMessages, Temperature, TokenLimit},
};

/// A known service.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Vendor {
    /// The name requests choose it by, for example `openai`.
    pub name: &'static str,
    /// The name people know it by.
    pub title: &'static str,
    /// Environment variables that may hold its key, the first one set wins. Empty: it needs none.
    pub key_env: &'static [&'static str],
    /// Environment variable that may hold another address.
    pub base_url_env: &'static str,
    /// Environment variable that may hold a host or a `host:port` instead; see [`Vendor::base_url_of_host`].
    pub host_env: Option<&'static str>,
    /// Its address.
    pub base_url: &'static str,
    /// The model used when nobody names one. `None`: the first one the server offers.
    pub default_model: Option<&'static str>,
    /// How it deviates on the wire.
    pub dialect: Dialect,
}

impl Vendor {
    /// Whether it runs on the operator's own machine and is used without a key.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.key_env.is_empty()
    }

    /// A builder with this service's address, default model and dialect.
    pub fn provider(&self, key: Option<SecretString>) -> ChatProviderBuilder {
        let builder = ChatProviderBuilder::new(self.name, self.base_url).with_dialect(self.dialect);
        let builder = match self.default_model {
            Some(model) => builder.with_default_model(model),
            None => builder,
        };
        match key {
            Some(key) => builder.with_key(key),
            None => builder,
        }
    }

    /// The address made of what [`host_env`](Self::host_env) holds: `host`, `host:port` or a URL. The port and path
    /// are this vendor's where they are missing, and an address to listen on (`0.0.0.0`) becomes one to connect to.
    ///
    /// ```
    /// use mcp_orchestrator_providers::chat;
    ///
    /// let ollama = chat::vendor("ollama").unwrap();
    /// assert_eq!(ollama.base_url_of_host("0.0.0.0"), "http://127.0.0.1:11434/v1");
    /// assert_eq!(ollama.base_url_of_host("gpu:8000"), "http://gpu:8000/v1");
    /// assert_eq!(ollama.base_url_of_host("https://gpu.example.com/"), "https://gpu.example.com/v1");
    /// ```
    #[must_use]
    pub fn base_url_of_host(&self, host: &str) -> String {
        let (default_port, path) = port_and_path(self.base_url);
        let host = host.trim().trim_end_matches('/');
        let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
        let (authority, own_path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
        let after_brackets = authority.rsplit_once(']').map_or(authority.as_str(), |(_, after)| after);
        let port = match (after_brackets.contains(':'), host.contains("://")) {
            // A URL without a port means its scheme's port, a bare host means the vendor's.
            (true, _) | (false, true) => String::new(),
            (false, false) => format!(":{default_port}"),
        };
        let path = if own_path.is_empty() { path } else { own_path };
        format!("{scheme}://{authority}{port}/{path}")
    }
}

/// The services this version can talk to over the Chat wire, in the order in which their keys are looked for, then the
/// local ones.
///
/// Anthropic, Gemini and Cohere are reached at the Chat-compatible addresses their own documentation gives; what only
/// their native interfaces offer (prompt caching control, native citations, schemas at Anthropic) is not there. xAI
/// serves this wire beside its newer one.
#[must_use]
pub const fn catalogue() -> &'static [Vendor] {
    VENDORS
}

/// The known service of that name.
#[must_use]
pub fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

const HOSTED: Dialect = Dialect { system: SystemMessages::Anywhere, ..Dialect::LENIENT };

const VENDORS: &[Vendor] = &[
    Vendor {
        name: "xai",
        title: "xAI",
        key_env: &["XAI_API_KEY", "GROK_API_KEY"],
        base_url_env: "XAI_BASE_URL",
        host_env: None,
        base_url: "https://api.x.ai/v1",
        default_model: Some("grok-4.5"),
        // Its models do not combine a schema with tools.
        dialect: Dialect { output_schema: OutputSchema::WithoutTools, cost: CostReport::UsageTicks, ..HOSTED },
    },
    Vendor {
        name: "openai",
        title: "OpenAI",
        key_env: &["OPENAI_API_KEY"],
        base_url_env: "OPENAI_BASE_URL",
        host_env: None,
        base_url: "https://api.openai.com/v1",
        default_model: Some("gpt-5.4-mini"),
        dialect: Dialect {
            token_limit: TokenLimit::MaxCompletionTokens,
            temperature: Temperature::ExceptModels(&["gpt-5", "gpt-6", "o1", "o3", "o4"]),
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
        dialect: Dialect {
            // Its Chat-compatible route ignores `response_format`.
            output_schema: OutputSchema::Never,
            temperature: Temperature::Never,
            system: SystemMessages::FirstOnly,
            request_id_header: "request-id",
            probe: Probe { path: "/models", auth: ProbeAuth::XApiKey },
            ..HOSTED
        },
    },
    Vendor {
        name: "gemini",
        title: "Google Gemini",
        key_env: &["GEMINI_API_KEY"],
        base_url_env: "GEMINI_BASE_URL",
        host_env: None,
        base_url: "https://generativelanguage.googleapis.com/v1beta/openai",
        default_model: Some("gemini-flash-latest"),
        dialect: Dialect {
            output_schema: OutputSchema::WithoutTools,
            // Thought signatures of tool calls must come back, else it refuses the conversation.
            returns_reasoning: true,
            system: SystemMessages::FirstOnly,
            ..HOSTED
        },
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
        dialect: Dialect {
            returns_reasoning: true,
            cost: CostReport::UsageCost,
            // Its list of models is public, so it would not show a wrong key.
            probe: Probe { path: "/key", auth: ProbeAuth::Bearer },
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
        dialect: Dialect { output_schema: OutputSchema::Never, stream_options: false, ..HOSTED },
    },
    Vendor {
        name: "ollama",
        title: "Ollama",
        key_env: &[],
        base_url_env: "OLLAMA_BASE_URL",
        host_env: Some("OLLAMA_HOST"),
        base_url: "http://127.0.0.1:11434/v1",
        default_model: None,
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
        dialect: Dialect::LOCAL,
    },
];

/// The port and the path, without its slash, of an address of the table.
fn port_and_path(base_url: &str) -> (&str, &str) {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    (authority.rsplit_once(':').map_or("443", |(_, port)| port), path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mcp_orchestrator_domain::{ModelName, ProviderName};
    use mcp_orchestrator_egress::BaseUrl;

    use super::{catalogue, vendor};

    #[test]
    fn every_row_is_usable_and_unique() {
        let mut names = BTreeSet::new();
        let mut variables = BTreeSet::new();
        for vendor in catalogue() {
            ProviderName::new(vendor.name).unwrap();
            let base = BaseUrl::parse(vendor.base_url).unwrap();
            assert_eq!(base.is_https(), !vendor.is_local(), "{}", vendor.name);
            assert!(vendor.default_model.is_none_or(|model| ModelName::new(model).is_ok()));
            assert!(names.insert(vendor.name), "{}", vendor.name);
            for variable in vendor.key_env.iter().chain([&vendor.base_url_env]).chain(vendor.host_env.iter()) {
                assert!(variables.insert(*variable), "{variable}");
            }
        }
    }

    #[test]
    fn hosts_become_addresses() {
        let ollama = vendor("ollama").unwrap();
        for (host, address) in [
            ("localhost", "http://localhost:11434/v1"),
            ("[::]", "http://[::1]:11434/v1"),
            ("[::1]:9000", "http://[::1]:9000/v1"),
            (" 10.0.0.5:9000/ ", "http://10.0.0.5:9000/v1"),
            ("http://gpu.example.com:11434/proxy/v1", "http://gpu.example.com:11434/proxy/v1"),
        ] {
            assert_eq!(ollama.base_url_of_host(host), address);
            BaseUrl::parse(address).unwrap();
        }
    }
}
