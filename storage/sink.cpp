#include "storage/sink.hpp"

namespace catwalk::storage {

namespace asio = boost::asio;

namespace {

error cannot(std::string what, std::string on) {
  return {errc::invalid_config, std::move(what), std::move(on), "this kind of sink is written alone",
          "use sink.kind: supabase or postgres"};
}

}  // namespace

asio::awaitable<result<std::vector<stored_row>>> sink::read_rows(stored_rows_query) {
  co_return cannot("cannot read the sink's rows", name());
}

asio::awaitable<sink_reply> sink::set_vectors(std::vector<vector_update>) {
  sink_reply reply;
  reply.what = sink_reply::kind::park;
  reply.why = cannot("cannot set vectors in the sink", name());
  co_return reply;
}

asio::awaitable<result<std::int64_t>> sink::count_rows(stored_rows_query) {
  co_return cannot("cannot count the sink's rows", name());
}

std::shared_ptr<const layout> sink::shape() const {
  return nullptr;
}

}  // namespace catwalk::storage
