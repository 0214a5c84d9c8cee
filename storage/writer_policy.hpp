#pragma once
#include <chrono>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "storage/outbox.hpp"
#include "storage/request_window.hpp"
#include "storage/sink.hpp"

namespace catwalk::storage {

/// Decides what the outbox writer does next: which rows it sends, how long it waits, what a refusal means for
/// whom. Does no I/O and asks no clock.
///
/// - A busy sink: wait, twice as long each time, with jitter, or as long as it says.
/// - A statement timeout: half the rows, and slowly more again.
/// - A sink that wants a person (key, quota, schema): park, one row a minute to see whether it is mended.
/// - A refused row among others: halve the batch until it is alone. A half whose other half was accepted is
///   not sent whole again, and what turns out to be without blame goes together at the end, so that 199 of
///   200 rows land within 12 requests. Alone it is a suspect, and dead only once another row was accepted
///   since: three suspects in a row with one code and nothing accepted between them mean that the table
///   refuses everything, and then it parks and nothing is lost. The first probe is another row than those,
///   so that three bad rows that happen to come first hold the others up for one probe alone: what was
///   refused before an accepted probe and is refused again after it is dead.
/// - A removal that is accepted says nothing about rows that are written: those that are suspected stay so,
///   and a sink that parked because it refused them stays parked, while the removals go on one by one.
class writer_policy {
 public:
  struct settings {
    int batch = 100;                              ///< most rows a request
    int concurrency = 1;                          ///< most requests under way
    std::chrono::milliseconds first_wait{1'000};  ///< after the first failure; doubles
    std::chrono::milliseconds longest_wait{300'000};
    std::chrono::milliseconds probe_every{60'000};  ///< while parked
    /// How long rows of an unknown outcome wait: longer than the sink's statement timeout (8 s at Supabase),
    /// so that the first request cannot be carried out after the second.
    std::chrono::milliseconds settle{9'000};
    std::chrono::milliseconds suspect_wait{600'000};  ///< until a suspect is tried again
    int grow_after = 10;                              ///< accepted batches until a halved batch grows again
    unsigned seed = std::random_device{}();
  };
  explicit writer_policy(settings s);

  struct step {
    enum class kind {
      take,    ///< send the next `limit` rows that are due
      resend,  ///< send the rows of these keys, as they are now
      wait,    ///< do nothing until `until`
      join,    ///< do nothing until a request that is under way has ended
    } what = kind::take;
    int limit = 0;
    std::vector<product_id> keys;
    steady_time until{};
  };
  /// `under_way`: requests of which it is not on record yet how they ended.
  step next(steady_time now, int under_way = 0);
  /// Whether what next() said, with requests under way, still holds after some of them have ended.
  bool untroubled(steady_time now) const noexcept;

  /// What follows from an answer, besides what next() will say.
  struct verdict {
    std::vector<outbox_key> confirmed;
    std::vector<outbox_key> postponed;  ///< keep back for `postpone_by`, with the reply's error
    std::chrono::milliseconds postpone_by{0};
    std::vector<outbox_key> released;  ///< were kept back while it was parked: due at once
    std::vector<dead_letter> dead;
    bool parked = false;   ///< it parked just now
    bool resumed = false;  ///< it is no longer parked
  };
  /// `removal`: the request was one, for all its rows. `took`: from sending to the answer.
  verdict on_reply(const std::vector<outbox_key>& sent, const sink_reply& reply, steady_time now,
                   bool removal = false, std::chrono::duration<double> took = {});

  /// Rows of a resend that could not go along (they are of another shape by now): they go by themselves,
  /// next.
  void put_back(std::vector<product_id> keys);

  bool parked() const noexcept { return parked_; }
  /// Rows that are kept back because they are suspected.
  std::size_t suspects() const noexcept { return suspects_.size(); }
  int batch() const noexcept { return batch_; }                ///< most rows a request, at present
  int concurrency() const noexcept { return window_.size(); }  ///< most requests under way, at present

 private:
  struct suspect {
    outbox_key row;
    std::string code, words;
    bool removal = false;
  };
  verdict late(const std::vector<outbox_key>& sent, const sink_reply& reply, steady_time now);
  void park(verdict& v, steady_time until);
  void probe_refused(verdict& v, const std::vector<outbox_key>& sent, const sink_reply& reply,
                     steady_time now);
  void accepted(verdict& v, const std::vector<outbox_key>& sent, steady_time now, bool removal);
  void back_off(const sink_reply& reply, steady_time now);
  /// `refused`: one of the rows at least will be refused again, whatever the other half brings.
  void split(const std::vector<product_id>& keys, bool refused);
  void suspected(verdict& v, const outbox_key& row, const sink_reply& reply, steady_time now, bool removal);

  const settings settings_;
  std::minstd_rand random_;
  int batch_;
  request_window window_;
  bool troubled_ = false;  ///< an answer was no acceptance, and requests from before it are under way
  int accepted_in_a_row_ = 0;
  int failures_in_a_row_ = 0;
  bool parked_ = false;
  bool writes_refused_ = false;  ///< while it is parked, or what parked it was the refusal of one
  steady_time not_before_{};
  /// A part of a batch, to be sent by itself.
  struct part {
    std::vector<product_id> keys;
    enum class standing {
      unknown,
      second_half,  ///< of a refused set, whose first half goes before it
      refused       ///< holds a row that is refused: its other half was accepted
    } is = standing::unknown;
  };
  std::deque<part> sets_;
  bool sent_first_half_ = false;            ///< the part in flight is the first half of a refused set
  std::vector<suspect> suspects_;           ///< found since a row was last accepted
  std::vector<outbox_key> probed_;          ///< refused by themselves while it is parked
  std::vector<product_id> refused_before_;  ///< of those, once another row was accepted
};

}  // namespace catwalk::storage
