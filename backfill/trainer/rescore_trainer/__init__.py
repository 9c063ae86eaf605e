"""Fits the models of rescore and exports them as ONNX with golden vectors.

Everything else (features, snapshots, labels, signing, publishing, scoring) is TypeScript: the dataset comes from
the same core that scores the stream, and ONNX is the boundary.
"""

import os

# Read by numpy's linear algebra when it is loaded. The order of a sum over threads follows the machine, and with it the
# last digit; and matrices of a few columns keep the other threads spinning for nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
