// static_files: serves the files below a directory.
#pragma once

#include <memory>
#include <string>

#include "config/diagnostics.h"
#include "core/slots.h"
#include "handler/static_files/open_files.h"
#include "handler/static_files_config.h"
#include "http/handler.h"

namespace weir {

struct Listing;

/// Opening, stat(2) and reading are done by the worker itself, without a thread beside it: a file
/// in the page cache costs a few microseconds. One that is not waits for its disk.
class StaticFiles final : public Handler {
 public:
  StaticFiles(const StaticFilesConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  OpenFiles& files(Exchange& exchange) const;
  Result<Response> answer(Exchange& exchange) const;
  Result<Response> answer_directory(Exchange& exchange, std::string_view path) const;
  Result<Response> answer_missing(Exchange& exchange, std::string_view path, int why) const;
  Response redirect(Exchange& exchange) const;
  Response list(Exchange& exchange, const Listing& listing) const;

  std::shared_ptr<const StaticFilesConfig> config_;
  std::string strip_prefix_;
  SlotKey files_;
};

}  // namespace weir
