// AdminApi: the configuration, its versions, endpoints and caches, for programs; whoever they ask.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "admin/live_config.h"
#include "admin/turns.h"
#include "core/scope.h"
#include "http/method.h"
#include "server/process_status.h"
#include "server/server.h"

namespace weir {

struct ApiRequest {
  Method method = Method::get;
  std::string path;        // as in a URL: /config/upstreams/api
  std::string query;       // without the "?"
  std::string body;        // JSON, or empty
  std::string request_id;  // for error messages; may be empty
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
};

struct ApiAnswer {
  std::uint16_t status = 200;
  std::string body;           // JSON
  std::string tag;            // ETag, or empty
  std::uint64_t version = 0;  // of the configuration in force
  std::string_view allow;     // with 405
};

/// On the owner's thread. Changes happen one after the other; who only reads waits for nobody.
class AdminApi {
 public:
  /// All outlive it; `loop` is the owner's, `turns` those of configurations.
  AdminApi(LiveConfig& config, Turns& turns, Server& server, ProcessStatus& status, Loop& loop);

  /// Whether a path is for it.
  static bool serves(std::string_view path);

  Task<ApiAnswer> answer(ApiRequest request);

  /// Answers beside other work; `done` gets what came out. The owner's thread.
  void begin(ApiRequest request, std::function<void(ApiAnswer)> done);
  /// Everything that was begun has been answered. To be awaited before destruction.
  Task<void> finish();

 private:
  struct Query;
  using Path = std::vector<std::string>;

  Task<void> run(ApiRequest request, std::function<void(ApiAnswer)> done);

  // api.cc
  Task<ApiAnswer> answer_config(ApiRequest request);
  ApiAnswer read_config(const ApiRequest& request, const Path& path, const Query& query) const;
  Task<ApiAnswer> change_config(ApiRequest request, Path path);
  Task<ApiAnswer> answer_versions(ApiRequest request);
  Task<ApiAnswer> change(ChangeRequest change, std::string request_id);
  ApiAnswer list_versions() const;
  VersionPointer find_version(std::string_view text) const;
  ApiAnswer refuse(const std::string& request_id, const Refusal& refusal) const;
  ApiAnswer refuse_method(const std::string& request_id, std::string_view allow) const;

  // api_runtime.cc
  ApiAnswer answer_endpoint(const ApiRequest& request);
  ApiAnswer answer_purge(const ApiRequest& request);

  LiveConfig& config_;
  Turns& turns_;
  Server& server_;
  ProcessStatus& status_;
  Loop& loop_;
  Scope scope_;
};

}  // namespace weir
