#include "admin/api.h"

#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "admin/config_path.h"

namespace weir {
namespace {

constexpr std::string_view kConfig = "/config";
constexpr std::string_view kVersions = "/versions";
constexpr std::string_view kEndpoints = "/endpoints/";
constexpr std::string_view kPurge = "/caches/purge";

bool below(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = wrong == std::errc{} && end == text.data() + text.size();
  return whole && number > 0 ? std::optional(number) : std::nullopt;
}

// RFC 3339.
std::string time_text(std::int64_t nanoseconds) {
  auto milliseconds = nanoseconds / 1'000'000;
  auto seconds = fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", seconds, milliseconds % 1000);
}

}  // namespace

/// The parameters of a request. One that is not known is refused: a misspelt `dry_run` must not
/// become a change.
struct AdminApi::Query {
  bool dry_run = false;
  Defaults defaults = Defaults::shown;
  std::uint64_t from = 0;
  std::string wrong;  // the first parameter that makes no sense

  explicit Query(std::string_view text) {
    while (!text.empty() && wrong.empty()) {
      std::string_view pair = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(text.size(), pair.size() + 1));
      std::string_view name = pair.substr(0, pair.find('='));
      std::string_view value = pair.substr(std::min(pair.size(), name.size() + 1));
      if (!take(name, value)) wrong = pair;
    }
  }

 private:
  bool take(std::string_view name, std::string_view value) {
    bool yes = value.empty() || value == "true" || value == "1" || value == "yes";
    bool no = value == "false" || value == "0" || value == "no";
    if (name == "dry_run" && (yes || no)) {
      dry_run = yes;
    } else if (name == "defaults" && (yes || no)) {
      defaults = yes ? Defaults::shown : Defaults::left_out;
    } else if (name == "from" && number_of(value)) {
      from = *number_of(value);
    } else {
      return false;
    }
    return true;
  }
};

AdminApi::AdminApi(LiveConfig& config, Turns& turns, Server& server, ProcessStatus& status,
                   Loop& loop)
    : config_(config), turns_(turns), server_(server), status_(status), loop_(loop) {}

bool AdminApi::serves(std::string_view path) {
  return below(path, kConfig) || below(path, kVersions) || path.starts_with(kEndpoints) ||
         path == kPurge;
}

void AdminApi::begin(ApiRequest request, std::function<void(ApiAnswer)> done) {
  scope_.spawn(run(std::move(request), std::move(done)));
}

Task<void> AdminApi::run(ApiRequest request, std::function<void(ApiAnswer)> done) {
  done(co_await answer(std::move(request)));
}

Task<void> AdminApi::finish() { co_await scope_.join(); }

Task<ApiAnswer> AdminApi::answer(ApiRequest request) {
  if (below(request.path, kConfig)) co_return co_await answer_config(std::move(request));
  if (below(request.path, kVersions)) co_return co_await answer_versions(std::move(request));
  if (request.path.starts_with(kEndpoints)) co_return answer_endpoint(request);
  if (request.path == kPurge) co_return answer_purge(request);
  co_return refuse(request.request_id, {404, "not_found", "the API has no such path"});
}

ApiAnswer AdminApi::refuse(const std::string& request_id, const Refusal& refusal) const {
  VersionPointer head = config_.history().head();
  ApiAnswer answer{refusal.status, {}, {}, head ? head->number : 0, {}};
  Json error = {{"code", refusal.code}, {"message", refusal.message}};
  if (!request_id.empty()) error["request_id"] = request_id;
  answer.body = text_of({{"error", std::move(error)}});
  return answer;
}

ApiAnswer AdminApi::refuse_method(const std::string& request_id, std::string_view allow) const {
  ApiAnswer answer = refuse(request_id, {405, "method_not_allowed",
                                         fmt::format("this can be asked with {} alone", allow)});
  answer.allow = allow;
  return answer;
}

// --- the configuration -------------------------------------------------------------------------

Task<ApiAnswer> AdminApi::answer_config(ApiRequest request) {
  auto path = parse_config_path(std::string_view(request.path).substr(kConfig.size()));
  Query query(request.query);
  if (!path || !query.wrong.empty()) {
    co_return refuse(request.request_id,
                     path ? Refusal{400, "bad_parameter",
                                    fmt::format("the parameter {} makes no sense", query.wrong)}
                          : Refusal{400, "bad_path", "the path is no JSON Pointer"});
  }
  switch (request.method) {
    case Method::get:
    case Method::head: co_return read_config(request, *path, query);
    case Method::put:
    case Method::patch:
    case Method::delete_: co_return co_await change_config(std::move(request), std::move(*path));
    default: co_return refuse_method(request.request_id, "GET, HEAD, PUT, PATCH, DELETE");
  }
}

ApiAnswer AdminApi::read_config(const ApiRequest& request, const Path& path,
                                const Query& query) const {
  VersionPointer head = config_.history().head();
  if (!head) return refuse(request.request_id, {503, "starting", "the process still starts"});
  Json document = config_.document(*head, query.defaults);
  const Json* value = find_value(document, path);
  if (value == nullptr) {
    return refuse(request.request_id,
                  {404, "no_such_value", fmt::format("nothing stands at {}", path_text(path))});
  }
  return {200, text_of(*value), config_.tag(path), head->number, {}};
}

Task<ApiAnswer> AdminApi::change_config(ApiRequest request, Path path) {
  ChangeRequest change;
  change.dry_run = Query(request.query).dry_run;
  change.if_match = std::move(request.if_match);
  change.if_none_match = std::move(request.if_none_match);
  change.change.path = std::move(path);
  if (request.method == Method::delete_) {
    change.change.kind = ConfigChange::Kind::remove;
    co_return co_await this->change(std::move(change), std::move(request.request_id));
  }
  if (request.method == Method::patch) change.change.kind = ConfigChange::Kind::merge;
  auto value = config::read_json(request.body);
  if (!value) {
    co_return refuse(request.request_id,
                     {400, "bad_json", "the body is not the JSON it should be: " + value.error()});
  }
  // However the client writes it: some escape its brackets.
  change.mentions_secrets = value->dump().find(kRedacted) != std::string::npos;
  change.change.value = std::move(*value);
  co_return co_await this->change(std::move(change), std::move(request.request_id));
}

Task<ApiAnswer> AdminApi::change(ChangeRequest change, std::string request_id) {
  if (turns_.full()) {
    co_return refuse(request_id, {503, "too_many_changes", "too many changes wait already"});
  }
  Turn turn = co_await turns_.take();
  Path path = change.change.path;
  bool dry_run = change.dry_run;
  ChangeOutcome outcome = co_await config_.change(std::move(change));
  if (outcome.refusal) {
    ApiAnswer refused = refuse(request_id, *outcome.refusal);
    if (outcome.problems.empty()) co_return refused;
    Json body = Json::parse(refused.body);
    body["problems"] = std::move(outcome.problems);
    refused.body = text_of(body);
    co_return refused;
  }
  Json body = {{"version", outcome.version},
               {"changed", !outcome.differences.empty()},
               {"dry_run", dry_run},
               {"differences", std::move(outcome.differences)},
               {"problems", std::move(outcome.problems)}};
  co_return ApiAnswer{200, text_of(body), config_.tag(path), outcome.version, {}};
}

// --- versions ----------------------------------------------------------------------------------

ApiAnswer AdminApi::list_versions() const {
  Json list = Json::array();
  for (const VersionPointer& each : config_.history().all()) {
    Json entry = {{"version", each->number},
                  {"at", time_text(each->at)},
                  {"origin", name(each->origin)},
                  {"in_force", each == config_.history().head()}};
    if (each->of != 0) entry["of"] = each->of;
    list.push_back(std::move(entry));
  }
  VersionPointer head = config_.history().head();
  return {200, text_of({{"versions", std::move(list)}}), {}, head ? head->number : 0, {}};
}

VersionPointer AdminApi::find_version(std::string_view text) const {
  if (text == "latest") return config_.history().head();
  auto number = number_of(text);
  return number ? config_.history().find(*number) : nullptr;
}

/// /versions, /versions/N, /versions/N/diff?from=M, /versions/N/rollback.
Task<ApiAnswer> AdminApi::answer_versions(ApiRequest request) {
  Path path = parse_config_path(std::string_view(request.path).substr(kVersions.size()))
                  .value_or(Path{"?"});
  Query query(request.query);
  bool reads = request.method == Method::get || request.method == Method::head;
  if (!query.wrong.empty()) {
    co_return refuse(
        request.request_id,
        {400, "bad_parameter", fmt::format("the parameter {} makes no sense", query.wrong)});
  }
  if (path.empty()) {
    co_return reads ? list_versions() : refuse_method(request.request_id, "GET, HEAD");
  }
  VersionPointer version = find_version(path[0]);
  std::string_view what = path.size() > 1 ? std::string_view(path[1]) : std::string_view();
  bool known = path.size() <= 2 && (what.empty() || what == "diff" || what == "rollback");
  if (!version || !known) {
    co_return refuse(request.request_id,
                     {404, "no_such_version", "no such version is kept; /versions lists them"});
  }
  if (what == "rollback") {
    if (request.method != Method::post) co_return refuse_method(request.request_id, "POST");
    ChangeRequest change;
    change.roll_back_to = version->number;
    change.dry_run = query.dry_run;
    change.if_match = std::move(request.if_match);
    co_return co_await this->change(std::move(change), std::move(request.request_id));
  }
  if (!reads) co_return refuse_method(request.request_id, "GET, HEAD");
  std::uint64_t head = config_.history().head()->number;
  if (what.empty()) {
    co_return ApiAnswer{200, text_of(config_.document(*version, query.defaults)), {}, head, {}};
  }
  std::uint64_t before = query.from != 0 ? query.from : version->number - 1;
  VersionPointer from = config_.history().find(before);
  if (!from) {
    co_return refuse(request.request_id,
                     {404, "no_such_version", fmt::format("version {} is not kept", before)});
  }
  Json body = {{"from", from->number},
               {"to", version->number},
               {"differences", config_.difference(*from, *version)}};
  co_return ApiAnswer{200, text_of(body), {}, head, {}};
}

}  // namespace weir
