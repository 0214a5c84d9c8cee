#pragma once
#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace catwalk::daemon {

/// What is wrong with a command line, in one line for its user: the word that is not known and the nearest
/// one that is, or the option with what was given and what it takes; and which `--help` says more. `app` is
/// the whole command line, just after its parse() has thrown `thrown`.
std::string usage_error(const CLI::App& app, const CLI::ParseError& thrown);

}  // namespace catwalk::daemon
