"""A fitted model to ONNX: one float32 input [rows, features], one float32 output [rows, 1].

The trees are onnxmltools' work. It is given boosters that answer their margin, and scaling and link are operators
after it: of a logistic regression it forgets the link, and of a base in margin space the place (docs/adr/0009).
"""

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, checker, helper
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from .contributions import booster_of
from .errors import TrainingError

INPUT, OUTPUT = "features", "score"
LINK_OPERATORS = {"logistic": "Sigmoid", "exp": "Exp"}
OPSETS = [("", 15), ("ai.onnx.ml", 1)]
IR_VERSION = 8
#: Relative to max(1, |answer|), as the loader has it (models/registry/golden.ts).
TOLERANCE = 1e-5


def to_onnx(name: str, models: list[dict]) -> bytes:
    """The product of the answers of one or more models in the form of trees.json."""
    nodes, constants, answers = [], [], []
    for number, model in enumerate(models):
        answers.append(f"answer_{number}" if len(models) > 1 else OUTPUT)
        _append_model(model, f"_{number}", answers[-1], nodes, constants)
    if len(models) > 1:
        nodes.append(helper.make_node("Mul", answers, [OUTPUT]))
    return serialised(name, len(models[0]["features"]), nodes, constants)


def serialised(name: str, width: int, nodes: list, constants: list) -> bytes:
    """A checked graph from INPUT to OUTPUT; the same nodes give the same bytes."""
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 1])],
        initializer=constants,
    )
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS],
        ir_version=IR_VERSION,
        producer_name="rescore",
    )
    checker.check_model(proto, full_check=True)
    return proto.SerializeToString(deterministic=True)


def _append_model(model: dict, mark: str, answer: str, nodes: list, constants: list) -> None:
    margin = f"margin{mark}"
    nodes.append(_converted(model, margin))
    if (model["scale"], model["offset"]) != (1.0, 0.0):
        for key, operator, result in (("scale", "Mul", "scaled"), ("offset", "Add", "calibrated")):
            constants.append(helper.make_tensor(key + mark, TensorProto.FLOAT, [1], [model[key]]))
            nodes.append(helper.make_node(operator, [margin, key + mark], [result + mark]))
            margin = result + mark
    nodes.append(helper.make_node(LINK_OPERATORS[model["link"]], [margin], [answer]))


def _converted(model: dict, margin: str):
    """The converter's one node, from INPUT to `margin`."""
    inputs = [(INPUT, FloatTensorType([None, len(model["features"])]))]
    proto: ModelProto = convert_xgboost(booster_of(model), name=model["model"], initial_types=inputs, target_opset=OPSETS[0][1])
    if [node.op_type for node in proto.graph.node] != ["TreeEnsembleRegressor"]:
        raise TrainingError("the converter gave another graph than one ensemble; install the pinned requirements.")
    node = proto.graph.node[0]
    node.output[0] = node.name = margin
    return node


def check_parity(onnx: bytes, vectors: np.ndarray, expected: np.ndarray, model: str) -> None:
    """Raises TrainingError when the runtime does not answer as the fitted model."""
    found = answers_of(onnx, vectors)
    off = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    if not (off <= TOLERANCE).all():
        row = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
        raise TrainingError(
            f"{model}: the runtime answers {found[row]} to golden vector {row + 1}, the fitted model {expected[row]}. "
            "Install the pinned requirements; when they are, this is a bug of the trainer."
        )


def answers_of(onnx: bytes, vectors: np.ndarray) -> np.ndarray:
    """What the runtime answers, one thread, N x features to N."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {session.get_inputs()[0].name: np.ascontiguousarray(vectors)})[0].ravel()
