# A lock without torch and what only its CUDA build needs: for a .venv that has the CPU build already.
/^[a-z]/ { left_out = /^(torch|torchvision|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==/ && !/^nvidia-ml-py==/ }
!left_out
