#pragma once
#include "daemon/http_router.hpp"
#include "daemon/query_embedder.hpp"

namespace catwalk::daemon {

/// `POST /v1/embeddings` and `GET /v1/models` in OpenAI's shape, with `modality: image|text` (default: text,
/// image where every input is a `data:image/…` address). An image is an address, a `data:` address or base64.
/// `app` and `embedder` outlive the router.
void add_openai_routes(http_router& router, application& app, query_embedder& embedder);

}  // namespace catwalk::daemon
