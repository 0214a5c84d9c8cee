#pragma once
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <memory>
#include <string>

namespace catwalk {

/// Every metric of catwalk's, with Prometheus' types: base units, no unbounded labels. Thread-safe.
class metrics {
 public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// The text format that `GET /metrics` answers with.
  std::string text() const;

  prometheus::Counter& http_responses(const std::string& site, int status);
  /// `outcome`: added, changed, unchanged, skipped, gone.
  prometheus::Counter& products(const std::string& site, const std::string& outcome);
  /// `outcome`: embedded, failed, retried.
  prometheus::Counter& images(const std::string& outcome);
  /// `outcome`: accepted, dead.
  prometheus::Counter& sink_rows(const std::string& outcome);
  /// `outcome`: told, retried, set_aside.
  prometheus::Counter& notify_events(const std::string& outcome);
  prometheus::Gauge& site_last_success(const std::string& site);
  prometheus::Gauge& site_next_run(const std::string& site);

  prometheus::Histogram& loop_latency();
  prometheus::Histogram& run_duration();
  prometheus::Histogram& embed_batch_size();
  prometheus::Histogram& embed_duration();
  prometheus::Histogram& sink_request_duration();
  prometheus::Gauge& vectors_stale();
  prometheus::Gauge& embed_queue_length();
  prometheus::Gauge& embed_queue_bytes();
  prometheus::Gauge& outbox_rows();
  prometheus::Gauge& sink_circuit_state();
  prometheus::Gauge& sink_batch_rows();
  prometheus::Gauge& sink_concurrency();
  prometheus::Gauge& notify_waiting();
  prometheus::Gauge& config_last_reload_successful();

 private:
  struct families;
  std::unique_ptr<families> families_;
};

}  // namespace catwalk
