#include "config/load.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <memory>

#include "config/configuration_file.hpp"
#include "config/environment_layer.hpp"
#include "config/letter_case.hpp"
#include "config/setting.hpp"
#include "config/settings_check.hpp"
#include "config/settings_file.hpp"
#include "config/state_dir.hpp"

extern char** environ;

namespace catwalk::config {
namespace {

void append(problems& to, problems from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

variables read_dotenv(const std::filesystem::path& path, const std::string& shown, const environment& env,
                      problems& found) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return {};
  const auto text = read_whole_file(path, shown, found);
  if (!text) return {};
  if (info.st_mode & S_IROTH) {
    warn(found, {shown, 0, 0}, "everyone on this machine can read it, and it may hold keys",
         "chmod 600 " + shown);
  }
  environment_file file = parse_environment_file(*text, shown, env);
  append(found, std::move(file.found));
  return std::move(file.values);
}

variables as_variables(const environment& env) {
  variables all;
  for (const auto& [name, value] : env) all[name] = {value, {"environment variable " + name, 0, 0}};
  return all;
}

void apply_flag(const char* flag, const char* key, const std::optional<std::string>& value, settings& values,
                reading& context) {
  if (!value) return;
  for (const auto& one : setting_table()) {
    if (one.about.key == key) one.apply(values, scalar_node(*value, {flag, 0, 0}), context);
  }
}

void load_sites(const std::optional<std::string>& text, const std::string& shown, loaded& result) {
  if (!text) return;
  loaded_sites read = parse_sites(*text, shown);
  result.sites = std::move(read.sites);
  append(result.found, std::move(read.found));
}

/// Jobs name sites in any case; from here on the site's own spelling holds.
void spell_as_sites(std::vector<job_settings>& jobs, const std::vector<site>& sites) {
  for (auto& job : jobs) {
    for (auto& name : job.sites) {
      for (const auto& one : sites) {
        if (lower_case(one.name) == lower_case(name)) name = one.name;
      }
    }
  }
}

}  // namespace

environment process_environment() {
  environment env;
  for (char** one = environ; one && *one; ++one) {
    const std::string_view entry(*one);
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos) env.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return env;
}

loaded load(const overrides& flags, const environment& env, const std::filesystem::path& working_dir) {
  loaded result;
  settings& values = result.values;
  const auto path = find_configuration_file(flags.config_file, working_dir);
  const std::filesystem::path folder = path ? path->parent_path() : working_dir;
  const auto shown = [&](const std::filesystem::path& p) { return shown_path(p, working_dir); };

  std::optional<std::string> text;
  yaml_document document{std::make_shared<yaml_node>(), {}};
  if (path) {
    text = read_whole_file(*path, shown(*path), result.found);
    if (text) document = parse_yaml(*text, shown(*path));
  }
  // A file of that name that is empty is a sites file too.
  const bool is_sites_file = path && (document.root->type == yaml_node::kind::sequence ||
                                      (!flags.config_file && path->filename() == "sites.yaml"));
  if (path) (is_sites_file ? result.sites_file : result.config_file) = *path;

  const variables dotenv = read_dotenv(folder / ".env", shown(folder / ".env"), env, result.found);
  environment merged = env;
  for (const auto& [name, one] : dotenv) {
    // An empty variable counts as not set, as everywhere here.
    auto& value = merged[name];
    if (value.empty()) value = one.value;
  }
  reading context{result.found, merged, folder, false, {}, {}};
  context.secrets_needed = flags.secrets_needed;
  if (path && !is_sites_file) {
    append(result.found, std::move(document.found));
    read_settings_file(*document.root, values, context);
  }
  apply_environment(dotenv, as_variables(env), values, context);
  apply_flag("--log-level", "log.level", flags.log_level, values, context);
  apply_flag("--log-format", "log.format", flags.log_format, values, context);

  if (is_sites_file) {
    values.sites = *path;
    load_sites(text, shown(*path), result);
  } else {
    values.sites = (folder / values.sites).lexically_normal();
    std::error_code failure;
    const bool absent =
        std::filesystem::status(values.sites, failure).type() == std::filesystem::file_type::not_found;
    if (absent && context.given.count("sites")) {
      refuse(result.found, context.given["sites"], "sites: no such file: " + values.sites.string(),
             "check the path");
    } else if (!absent) {
      result.sites_file = values.sites;
      load_sites(read_whole_file(values.sites, shown(values.sites), result.found), shown(values.sites),
                 result);
    }
  }
  if (!values.sink.path.empty()) values.sink.path = (folder / values.sink.path).lexically_normal();
  result.state_dir = resolve_state_dir(values.state.dir, folder, merged, ::geteuid() == 0);
  if (result.state_dir.empty()) {
    refuse(result.found, {},
           "state.dir: auto found no folder: STATE_DIRECTORY, XDG_STATE_HOME and HOME are not set",
           "set state.dir");
  }
  spell_as_sites(values.schedule.jobs, result.sites);
  check_settings(values, result.sites, context);
  result.given = std::move(context.given);
  result.written = std::move(context.written);
  result.variables = std::move(merged);
  return result;
}

}  // namespace catwalk::config
