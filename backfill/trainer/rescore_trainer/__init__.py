"""Fits the models of rescore and exports them as ONNX with golden vectors.

Everything else (features, snapshots, labels, signing, publishing, scoring) is TypeScript: the dataset comes from
the same core that scores the stream, and ONNX is the boundary.
"""
