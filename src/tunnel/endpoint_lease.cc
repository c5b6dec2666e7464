#include "tunnel/endpoint_lease.h"

namespace weir {

EndpointLease::EndpointLease(const TunnelUpstream& upstream, std::shared_ptr<Endpoint> endpoint,
                             Admission admission)
    : endpoint_(endpoint.get()) {
  endpoint_->keep(endpoint, upstream.cluster);
  bool in_cluster = upstream.balance.max_load > 0;
  bool limited = upstream.limits.any();
  if (in_cluster || limited || upstream.admission.on()) {
    terms_.reset(new Terms{{}, std::move(admission), in_cluster, limited});
  }
  if (in_cluster) upstream.cluster->in_flight.fetch_add(1, std::memory_order_relaxed);
  if (!limited) endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
  endpoint_->requests.fetch_add(1, std::memory_order_relaxed);
}

EndpointLease& EndpointLease::operator=(EndpointLease&& other) noexcept {
  if (this == &other) return *this;
  end();
  endpoint_ = std::exchange(other.endpoint_, nullptr);
  terms_ = std::move(other.terms_);
  return *this;
}

Result<Admission::Waiting> EndpointLease::wait() const {
  if (!terms_) return Admission::Waiting();
  return terms_->admission.wait();
}

// A tunnel has no answer to judge and to time: that it could be connected, and how soon, stands for
// it.
void EndpointLease::tell(const TunnelUpstream& upstream, bool connected, Duration took,
                         TimePoint now) {
  AttemptResult result = connected ? AttemptResult::answered : AttemptResult::not_connected;
  if (!connected) endpoint_->connect_failures.fetch_add(1, std::memory_order_relaxed);
  endpoint_->cluster().outliers().tell(upstream.outliers, *endpoint_, result, took, now);
  if (terms_) terms_->admission.tell(result, took, now);
  if (upstream.balance.algorithm != Balance::peak_ewma) return;
  if (connected) {
    endpoint_->latency.answered(took, now);
  } else {
    endpoint_->latency.failed(took, now);
  }
}

void EndpointLease::end() {
  if (endpoint_ == nullptr) return;
  Cluster& cluster = endpoint_->cluster();
  bool limited = terms_ && terms_->limited;
  bool in_cluster = terms_ && terms_->counts_in_cluster;
  terms_.reset();
  if (limited) {
    cluster.queue().ended(*endpoint_);
  } else {
    endpoint_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }
  if (in_cluster) cluster.in_flight.fetch_sub(1, std::memory_order_relaxed);
  std::exchange(endpoint_, nullptr)->let_go();
}

}  // namespace weir
