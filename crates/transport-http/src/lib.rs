//! HTTP: REST under `/v1`, server-sent events, OpenAPI, metrics, health, and the routes of the original server.
