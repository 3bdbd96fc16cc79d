"""The two sentence encoders on onnxruntime: the weights come from their packages, and are laid out in files once."""
