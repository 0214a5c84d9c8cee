#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "daemon/application.hpp"
#include "daemon/run_report.hpp"

namespace catwalk::daemon {

/// What one part of the world said.
struct online_finding {
  std::string about;  ///< "site Atelier Nord", "sink", "model"
  bool good = false;
  std::string says;  ///< in words: what was found, or what is wrong and what to do
};

/// Asks everything that the configuration names, and changes nothing: of each site robots.txt and one page,
/// of the sink its columns and the vector's width, of the model whether it loads and fits, and of each site
/// whose page held a product whether its picture can be had and embedded. Loop-only.
class online_check {
 public:
  /// `app` outlives it and has been made with state_access::read_if_there.
  explicit online_check(application& app);

  /// The findings, in the order of the configuration. Ends early, with what there is, after stop().
  boost::asio::awaitable<std::vector<online_finding>> run();
  void stop() { tasks_.cancel(); }

 private:
  struct site_check;
  boost::asio::awaitable<void> check_all();
  boost::asio::awaitable<void> check_site(site_check& one);
  boost::asio::awaitable<void> check_sink();
  boost::asio::awaitable<void> check_model();
  boost::asio::awaitable<void> check_picture(site_check& one);

  application& app_;
  std::vector<online_finding> findings_;
  bool sink_is_good_ = true;
  bool model_is_good_ = false;
  task_group tasks_;
};

}  // namespace catwalk::daemon
