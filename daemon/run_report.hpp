#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "storage/catalogue.hpp"

namespace catwalk::daemon {

/// What happened to one site in a run.
struct site_report {
  std::string site;
  int pages = 0;
  int pages_unchanged = 0;
  int products = 0;  ///< read, after duplicates within a page
  int added = 0;
  int changed = 0;
  int unchanged = 0;
  int reappeared = 0;
  std::map<std::string, int> skipped;           ///< by reason
  std::map<std::string, std::string> examples;  ///< one skipped item per reason
  int endpoints = 0;
  int endpoints_complete = 0;
  bool limited = false;      ///< ended by --limit
  bool read_to_end = false;  ///< every listing was tried; which came through is in `listings`
  std::vector<storage::endpoint_reading> listings;
  storage::sync_outcome sync;
  std::string blocked;               ///< what was seen where the shop refused catwalk; empty: it did not
  std::vector<std::string> errors;   ///< in words; empty when all went well
  bool ended = false;                ///< its pages are read, as far as they could be
  std::chrono::milliseconds took{};  ///< reading its pages
};

/// What happened in a run. Images and rows are those of the whole process while the run lasted.
struct run_report {
  std::int64_t run = 0;  ///< its id in the state database; 0 for a dry run
  std::vector<site_report> sites;
  std::uint64_t images_embedded = 0;
  std::uint64_t images_failed = 0;
  std::uint64_t rows_sent = 0;
  std::uint64_t rows_dead = 0;
  std::int64_t rows_waiting = 0;
  bool waits_for_sink = true;  ///< false: the daemon's writer goes on by itself, and what waits is no failure
  std::chrono::milliseconds pages_took{};
  /// After the last page: comparing what is gone, waiting for images, waiting for the sink.
  std::chrono::milliseconds sync_took{}, images_took{}, sink_took{};
  std::chrono::milliseconds took{};
  bool interrupted = false;
  bool timed_out = false;  ///< ended by the job's time limit
  bool cancelled = false;  ///< ended by a person

  int products() const;
  int sum(int site_report::*member) const;
  int skipped() const;
  /// Every endpoint read to its end in time, no image failed, no row refused, none waiting that was waited
  /// for.
  bool complete() const;
};

nlohmann::json to_json(const site_report& r);
nlohmann::json to_json(const run_report& r);

}  // namespace catwalk::daemon
