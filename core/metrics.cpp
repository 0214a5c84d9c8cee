#include "core/metrics.hpp"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace catwalk {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

const prometheus::Histogram::BucketBoundaries seconds_short{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                            0.1,    0.25,  0.5,   1,     2.5,  10};
const prometheus::Histogram::BucketBoundaries seconds_long{1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600};
const prometheus::Histogram::BucketBoundaries batch_sizes{1, 2, 4, 8, 16, 32, 64, 128};

}  // namespace

struct metrics::families {
  prometheus::Registry registry;

  prometheus::Family<prometheus::Counter>& http_responses =
      BuildCounter()
          .Name("catwalk_http_responses_total")
          .Help("Answers of shops by site and status code")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& products = BuildCounter()
                                                          .Name("catwalk_products_total")
                                                          .Help("Products read, by site and outcome")
                                                          .Register(registry);
  prometheus::Family<prometheus::Counter>& images =
      BuildCounter().Name("catwalk_images_total").Help("Images by outcome").Register(registry);
  prometheus::Family<prometheus::Counter>& sink_rows = BuildCounter()
                                                           .Name("catwalk_sink_rows_total")
                                                           .Help("Rows sent to the sink, by outcome")
                                                           .Register(registry);
  prometheus::Family<prometheus::Counter>& notify_events = BuildCounter()
                                                               .Name("catwalk_notify_events_total")
                                                               .Help("Events sent to notify.url, by outcome")
                                                               .Register(registry);
  prometheus::Family<prometheus::Gauge>& site_last_success =
      BuildGauge()
          .Name("catwalk_site_last_success_timestamp_seconds")
          .Help("When a run of the site last ended complete")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& site_next_run = BuildGauge()
                                                             .Name("catwalk_site_next_run_timestamp_seconds")
                                                             .Help("When the schedule next runs the site")
                                                             .Register(registry);
  prometheus::Family<prometheus::Gauge>& build_info =
      BuildGauge().Name("catwalk_build_info").Help("Always 1; the version is a label").Register(registry);

  prometheus::Histogram& histogram(const char* name, const char* help,
                                   const prometheus::Histogram::BucketBoundaries& buckets) {
    return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Histogram& loop_latency =
      histogram("catwalk_loop_latency_seconds", "How late the loop runs what is due", seconds_short);
  prometheus::Histogram& run_duration =
      histogram("catwalk_run_duration_seconds", "Duration of runs", seconds_long);
  prometheus::Histogram& embed_batch_size =
      histogram("catwalk_embed_batch_size", "Images per batch", batch_sizes);
  prometheus::Histogram& embed_duration =
      histogram("catwalk_embed_duration_seconds", "Duration of forward passes", seconds_short);
  prometheus::Histogram& sink_request_duration =
      histogram("catwalk_sink_request_duration_seconds", "Duration of requests to the sink", seconds_short);
  prometheus::Gauge& vectors_stale =
      gauge("catwalk_vectors_stale", "Vectors of an earlier image or another model");
  prometheus::Gauge& embed_queue_length =
      gauge("catwalk_embed_queue_length", "Images that wait for a worker");
  prometheus::Gauge& embed_queue_bytes =
      gauge("catwalk_embed_queue_bytes", "Bytes of images that wait for a worker");
  prometheus::Gauge& outbox_rows = gauge("catwalk_outbox_rows", "Rows that wait for the sink");
  prometheus::Gauge& sink_circuit_state =
      gauge("catwalk_sink_circuit_state", "0: rows are sent, 1: the sink is parked");
  prometheus::Gauge& sink_batch_rows =
      gauge("catwalk_sink_batch_rows", "Rows of a request to the sink, at present at most");
  prometheus::Gauge& sink_concurrency =
      gauge("catwalk_sink_concurrency", "Requests to the sink in flight, at present at most");
  prometheus::Gauge& notify_waiting =
      gauge("catwalk_notify_events_waiting", "Events that notify.url has not taken yet");
  prometheus::Gauge& config_last_reload_successful =
      gauge("catwalk_config_last_reload_successful", "1 when the running configuration is the file's");
};

metrics::metrics() : families_(std::make_unique<families>()) {
  families_->build_info.Add({{"version", CATWALK_VERSION}}).Set(1);
  families_->config_last_reload_successful.Set(1);
}
metrics::~metrics() = default;

std::string metrics::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

prometheus::Counter& metrics::http_responses(const std::string& site, int status) {
  return families_->http_responses.Add({{"site", site}, {"code", std::to_string(status)}});
}
prometheus::Counter& metrics::products(const std::string& site, const std::string& outcome) {
  return families_->products.Add({{"site", site}, {"outcome", outcome}});
}
prometheus::Counter& metrics::images(const std::string& outcome) {
  return families_->images.Add({{"outcome", outcome}});
}
prometheus::Counter& metrics::sink_rows(const std::string& outcome) {
  return families_->sink_rows.Add({{"outcome", outcome}});
}
prometheus::Counter& metrics::notify_events(const std::string& outcome) {
  return families_->notify_events.Add({{"outcome", outcome}});
}
prometheus::Gauge& metrics::site_last_success(const std::string& site) {
  return families_->site_last_success.Add({{"site", site}});
}
prometheus::Gauge& metrics::site_next_run(const std::string& site) {
  return families_->site_next_run.Add({{"site", site}});
}

prometheus::Histogram& metrics::loop_latency() {
  return families_->loop_latency;
}
prometheus::Histogram& metrics::run_duration() {
  return families_->run_duration;
}
prometheus::Histogram& metrics::embed_batch_size() {
  return families_->embed_batch_size;
}
prometheus::Histogram& metrics::embed_duration() {
  return families_->embed_duration;
}
prometheus::Histogram& metrics::sink_request_duration() {
  return families_->sink_request_duration;
}
prometheus::Gauge& metrics::vectors_stale() {
  return families_->vectors_stale;
}
prometheus::Gauge& metrics::embed_queue_length() {
  return families_->embed_queue_length;
}
prometheus::Gauge& metrics::embed_queue_bytes() {
  return families_->embed_queue_bytes;
}
prometheus::Gauge& metrics::outbox_rows() {
  return families_->outbox_rows;
}
prometheus::Gauge& metrics::sink_circuit_state() {
  return families_->sink_circuit_state;
}
prometheus::Gauge& metrics::sink_batch_rows() {
  return families_->sink_batch_rows;
}
prometheus::Gauge& metrics::sink_concurrency() {
  return families_->sink_concurrency;
}
prometheus::Gauge& metrics::notify_waiting() {
  return families_->notify_waiting;
}
prometheus::Gauge& metrics::config_last_reload_successful() {
  return families_->config_last_reload_successful;
}

}  // namespace catwalk
