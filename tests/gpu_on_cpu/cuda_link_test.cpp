// The CUDA backend as nvcc built it and the library links it, on whatever machine this is.
#include <cuda_runtime.h>

#include "backends.h"

namespace mq {
namespace {

TEST(CudaLink, WithoutADeviceTheBackendIsUnavailableInASentence) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) {
    EXPECT_STREQ(kernels(Backend::cuda).name, "cuda");
    return;
  }
  const std::string why = "no CUDA device: ";
  for (const auto& first_use : {+[] { kernels(Backend::cuda); }, +[] { Buffer<float>(kCuda, 1); }}) {
    try {
      first_use();
      FAIL() << "there is no device, but nothing was thrown";
    } catch (const BackendUnavailable& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, why.size()), why) << error.what();
    }
  }
}

}  // namespace
}  // namespace mq
