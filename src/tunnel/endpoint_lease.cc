#include "tunnel/endpoint_lease.h"

namespace weir {

EndpointLease::EndpointLease(const TunnelUpstream& upstream, std::shared_ptr<Endpoint> endpoint,
                             Admission admission)
    : cluster_(upstream.cluster),
      endpoint_(std::move(endpoint)),
      counts_in_cluster_(upstream.balance.max_load > 0),
      limited_(upstream.limits.any()) {
  if (upstream.admission.on()) admission_ = std::make_unique<Admission>(std::move(admission));
  if (counts_in_cluster_) cluster_->in_flight.fetch_add(1, std::memory_order_relaxed);
  if (!limited_) endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
  endpoint_->requests.fetch_add(1, std::memory_order_relaxed);
}

EndpointLease& EndpointLease::operator=(EndpointLease&& other) noexcept {
  if (this == &other) return *this;
  end();
  cluster_ = std::move(other.cluster_);
  endpoint_ = std::move(other.endpoint_);
  admission_ = std::move(other.admission_);
  counts_in_cluster_ = other.counts_in_cluster_;
  limited_ = other.limited_;
  return *this;
}

Result<Admission::Waiting> EndpointLease::wait() const {
  if (!admission_) return Admission::Waiting();
  return admission_->wait();
}

// A tunnel has no answer to judge and to time: that it could be connected, and how soon, stands for
// it.
void EndpointLease::tell(const TunnelUpstream& upstream, bool connected, Duration took,
                         TimePoint now) {
  AttemptResult result = connected ? AttemptResult::answered : AttemptResult::not_connected;
  if (!connected) endpoint_->connect_failures.fetch_add(1, std::memory_order_relaxed);
  cluster_->outliers().tell(upstream.outliers, *endpoint_, result, took, now);
  if (admission_) admission_->tell(result, took, now);
  if (upstream.balance.algorithm != Balance::peak_ewma) return;
  if (connected) {
    endpoint_->latency.answered(took, now);
  } else {
    endpoint_->latency.failed(took, now);
  }
}

void EndpointLease::end() {
  if (!endpoint_) return;
  admission_.reset();
  if (limited_) {
    cluster_->queue().ended(*endpoint_);
  } else {
    endpoint_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }
  if (counts_in_cluster_) cluster_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  endpoint_.reset();
}

}  // namespace weir
