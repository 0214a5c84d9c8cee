#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/cron.hpp"
#include "core/file.hpp"
#include "core/json_text.hpp"
#include "core/time_zone.hpp"
#include "core/url.hpp"
#include "daemon/application.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/model_choice.hpp"
#include "embed/text_encoder.hpp"
#include "scrape/html_document.hpp"
#include "scrape/html_encoding.hpp"
#include "scrape/jmespath.hpp"
#include "scrape/json_document.hpp"
#include "scrape/normaliser.hpp"
#include "scrape/robots.hpp"
#include "scrape/selector.hpp"
#include "storage/sink.hpp"

namespace catwalk::daemon {

namespace {

/// A file, or stdin for none and "-".
result<std::string> read_input(const std::string& file) {
  if (!file.empty() && file != "-") return read_file(file);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

int print_expression_error(const scrape::jmespath_error& detail) {
  std::cout << json_text({{"error", scrape::name_of(detail.kind)}, {"message", detail.message}}) << '\n';
  return exit_failed;
}

int try_jmespath(const std::string& expression, const std::string& file) {
  scrape::jmespath_error detail;
  const auto compiled = scrape::jmespath::compile(expression, &detail);
  if (!compiled) {
    std::cerr << detail.caret(expression) << '\n';
    return print_expression_error(detail);
  }
  const auto text = read_input(file);
  if (!text) return fail(text.error());
  const auto document = scrape::parse_json_document(*text, file.empty() ? "stdin" : file);
  if (!document) return fail(document.error());
  const auto found = compiled->search(*document, &detail);
  if (!found) return print_expression_error(detail);
  std::cout << json_text(*found, 2) << '\n';
  return exit_done;
}

int try_select(const std::string& expression, const std::string& attribute, const std::string& file) {
  scrape::selector_error detail;
  const auto compiled = scrape::selector::compile(expression, &detail);
  if (!compiled) {
    std::cerr << detail.caret(expression) << '\n';
    std::cout << json_text({{"error", "syntax"}, {"message", detail.message}}) << '\n';
    return exit_failed;
  }
  for (const std::string& note : compiled->notes()) std::cerr << note << '\n';
  const auto page = read_input(file);
  if (!page) return fail(page.error());
  const auto text = scrape::page_as_utf8(*page, "");
  const auto document = scrape::html_document::parse(text, file.empty() ? "stdin" : file);
  if (!document) return fail(document.error());
  const auto found = compiled->select(document->root());
  if (!found) return fail(found.error());
  auto answers = nlohmann::json::array();
  for (const auto& node : *found) {
    if (attribute.empty() && !compiled->has_suffix()) {
      answers.push_back(node.outer_html());
    } else if (!attribute.empty()) {
      if (const auto value = node.attribute(attribute)) answers.push_back(std::string(*value));
    } else if (const auto value = compiled->value_of(node, document->root())) {
      answers.push_back(*value);
    }
  }
  std::cout << json_text(answers, 2) << '\n';
  return exit_done;
}

int try_cron(const std::string& expression, const std::string& zone_name, const std::string& from, int n) {
  const auto cron = cron_expression::parse(expression);
  if (!cron) return fail(cron.error());
  const auto zone = zone_name.empty() ? time_zone::of_system() : time_zone::find(zone_name);
  if (!zone) {
    fail(zone.error());
    return exit_usage;
  }
  auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (!from.empty()) {
    const auto parsed = zone->parse(from);
    if (!parsed) return fail(parsed.error());
    at = *parsed;
  }
  auto times = nlohmann::json::array();
  for (int i = 0; i < n; ++i) {
    const auto next = cron->next_after(at, *zone);
    if (!next) break;
    times.push_back(zone->iso8601(*next));
    at = *next;
  }
  std::cout << json_text(times) << '\n';
  return exit_done;
}

int try_robots(const std::string& file, const std::string& agent, const std::string& url) {
  const auto text = read_input(file);
  if (!text) return fail(text.error());
  auto path = url;
  if (const auto parsed = parse_url(url))
    path = parsed->path + (parsed->query.empty() ? "" : "?" + parsed->query);
  const auto verdict = scrape::robots::parse(*text).allowed(agent, path);
  std::cout << json_text({{"allowed", verdict.allowed},
                          {"rule", verdict.rule.empty() ? nlohmann::json() : nlohmann::json(verdict.rule)}})
            << '\n';
  return exit_done;
}

/// The site's settings that the item's `site` gives, by their names in sites.yaml.
config::site site_of(const nlohmann::json& settings) {
  config::site site;
  site.name = site.brand = settings.value("brand", "");
  site.merchant = settings.value("merchant", "");
  site.source = settings.value("source", "scraper");
  site.country = settings.value("country", "");
  site.currency = settings.value("currency", "");
  site.second_hand = settings.value("second_hand", false);
  site.image_width = settings.value("image_width", site.image_width);
  if (const auto unit = settings.value("price_unit", ""); !unit.empty())
    site.price = unit == "minor"   ? config::price_unit::minor
                 : unit == "major" ? config::price_unit::major
                                   : config::price_unit::guess;
  if (settings.contains("category_names")) settings.at("category_names").get_to(site.category_names);
  if (settings.contains("image_url_contains")) {
    settings.at("image_url_contains").get_to(site.image_url_contains);
    site.image_url_contains_set = true;
  }
  config::api_source api;
  api.product_url_template = settings.value("product_url_template", "");
  if (const auto endpoint = settings.value("endpoint", ""); !endpoint.empty())
    api.endpoints.push_back({endpoint, {}});
  site.api = std::move(api);
  return site;
}

int try_normalise(const std::string& file, const std::string& layout) {
  const auto text = read_input(file);
  if (!text) return fail(text.error());
  auto item = scrape::parse_json_document(*text, file.empty() ? "stdin" : file);
  if (!item) return fail(item.error());
  if (!item->is_object())
    return fail({errc::malformed, "the item is not a JSON object", file.empty() ? "stdin" : file, "",
                 R"(write it as {"external_id":…,"title":…,"price":…,"site":{"source":…}})"});
  const auto settings = item->value("site", nlohmann::json::object());
  item->erase("site");
  const auto raw = *item;
  config::site site;
  try {
    site = site_of(settings);
  } catch (const nlohmann::json::exception& e) {
    return fail({errc::malformed, "the item's `site` is not what sites.yaml would say",
                 file.empty() ? "stdin" : file, e.what(),
                 R"(write it as {"source":…,"country":…,"price_unit":"minor"})"});
  }
  scrape::item_origin origin;
  if (!site.api->endpoints.empty()) origin.endpoint = origin.base = site.api->endpoints.front().text;
  origin.position = 1;
  // field_map's reader hands images over as a list of candidates.
  if (auto image = item->find("image_url"); image != item->end() && image->is_string())
    *image = nlohmann::json::array({*image});
  const auto made = scrape::normalise(*item, raw, site, scrape::rules_for(site), origin);
  if (const auto* skipped = std::get_if<skipped_item>(&made)) {
    std::cout << json_text({{"skipped", skipped->reason}, {"item", skipped->item}}) << '\n';
    return exit_failed;
  }
  std::cout << json_text(storage::row_as_json(std::get<product>(made), nullptr, layout), 2) << '\n';
  return exit_done;
}

int try_tokenize(const invocation& to_run, const std::string& text, const std::string& model_name,
                 const std::string& vocabulary) {
  const auto print = [](const result<std::vector<std::int32_t>>& ids) -> int {
    if (!ids) return fail(ids.error());
    std::cout << json_text(*ids) << '\n';
    return exit_done;
  };
  if (!vocabulary.empty()) return print(embed::tokenize_with(vocabulary, text));
  auto loaded = load_configuration(to_run.flags, secrets::unneeded);
  if (!loaded) return exit_usage;
  if (!model_name.empty()) loaded->values.embed.model = model_name;
  const auto model = choose_model(loaded->values, loaded->state_dir / loaded->values.embed.models_dir);
  if (!model) return fail(model.error());
  return print(embed::tokenize(*model, text));
}

struct try_options {
  std::string expression, attribute, file, zone, from, agent, url, layout = "catwalk", model, vocabulary;
  int n = 5;
};

}  // namespace

void add_try(CLI::App& app, invocation& to_run) {
  auto* command =
      app.add_subcommand("try", "The parts that a site's author fiddles with, one at a time")->group("Sites");
  command->require_subcommand(1);
  auto o = std::make_shared<try_options>();

  auto* jmespath = command->add_subcommand("jmespath", "Apply a JMESPath expression to a JSON document");
  jmespath->add_option("EXPR", o->expression)->required();
  jmespath->add_option("FILE", o->file, "Default stdin");
  jmespath->callback([&to_run, o] { to_run.action = [o] { return try_jmespath(o->expression, o->file); }; });

  auto* select = command->add_subcommand("select", "The elements of a page that a CSS selector matches");
  select->add_option("CSS", o->expression, "As in sites.yaml; @name at its end asks for an attribute")
      ->required();
  select->add_option("FILE", o->file, "Default stdin");
  select->add_option("--attr", o->attribute, "Print this attribute instead of the elements")->type_name("A");
  select->callback(
      [&to_run, o] { to_run.action = [o] { return try_select(o->expression, o->attribute, o->file); }; });

  auto* cron = command->add_subcommand("cron", "The next times of a cron expression");
  cron->add_option("EXPR", o->expression)->required();
  cron->add_option("--timezone", o->zone, "IANA name; default the system's")->type_name("Z");
  cron->add_option("--from", o->from, "ISO 8601; default now")->type_name("T");
  cron->add_option("-n", o->n, "How many (default 5)")->check(CLI::Range(1, 10'000));
  cron->callback(
      [&to_run, o] { to_run.action = [o] { return try_cron(o->expression, o->zone, o->from, o->n); }; });

  auto* robots = command->add_subcommand("robots", "What a robots.txt says of an address");
  robots->add_option("FILE", o->file, "Default stdin");
  robots->add_option("--agent", o->agent, "The crawler's product token")->required()->type_name("A");
  robots->add_option("--url", o->url, "The address, or its path")->required()->type_name("U");
  robots->callback([&to_run, o] { to_run.action = [o] { return try_robots(o->file, o->agent, o->url); }; });

  auto* tokenize = command->add_subcommand("tokenize", "The ids of a text's tokens, as the model sees them");
  tokenize->add_option("TEXT", o->expression)->required();
  tokenize->add_option("--model", o->model, "A model of `catwalk model list`")->type_name("M");
  tokenize
      ->add_option("--vocabulary", o->vocabulary,
                   "A CLIP vocabulary instead of a model: vocab.json, tokenizer.json, "
                   "bpe_simple_vocab_16e6.txt.gz, or a folder with one")
      ->type_name("FILE");
  tokenize->callback([&to_run, o] {
    to_run.action = [&to_run, o] { return try_tokenize(to_run, o->expression, o->model, o->vocabulary); };
  });

  auto* normalise = command->add_subcommand("normalise", "The row that one raw item becomes");
  normalise->add_option("FILE", o->file, "Default stdin");
  normalise->add_option("--layout", o->layout)->check(CLI::IsMember({"catwalk", "2026-02", "2025-10"}));
  normalise->footer(
      "The item is an object with the names of field_map; its member `site` holds the site's settings.");
  normalise->callback([&to_run, o] { to_run.action = [o] { return try_normalise(o->file, o->layout); }; });
}

}  // namespace catwalk::daemon
