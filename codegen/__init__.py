"""From a plan to kernels: a target-neutral loop tree, then source for the CPU or for CUDA."""
