"""Trees to ONNX: TreeEnsembleRegressor, then calibration and link as operators, one float32 output [rows, 1].

Written with onnx.helper: the general converter gives logistic regressors neither their link nor a base in margin
space, and names graphs at random, so that the same model would never have the same digest.
"""

from onnx import TensorProto, checker, helper

INPUT, OUTPUT = "features", "score"
LINK_OPERATORS = {"logistic": "Sigmoid", "exp": "Exp"}
OPSETS = [("", 15), ("ai.onnx.ml", 1)]
IR_VERSION = 8


def to_onnx(model: dict) -> bytes:
    width = len(model["features"])
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            [INPUT],
            ["margin"],
            domain="ai.onnx.ml",
            n_targets=1,
            base_values=[model["base"]],
            post_transform="NONE",
            **_attributes(model["trees"]),
        )
    ]
    constants, margin = [], "margin"
    if (model["scale"], model["offset"]) != (1.0, 0.0):
        constants = [helper.make_tensor(key, TensorProto.FLOAT, [1], [model[key]]) for key in ("scale", "offset")]
        nodes += [helper.make_node("Mul", [margin, "scale"], ["scaled"])]
        nodes += [helper.make_node("Add", ["scaled", "offset"], ["calibrated"])]
        margin = "calibrated"
    nodes.append(helper.make_node(LINK_OPERATORS[model["link"]], [margin], [OUTPUT]))
    graph = helper.make_graph(
        nodes,
        model["model"],
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


def _attributes(trees: list[dict]) -> dict:
    nodes = {
        key: []
        for key in (
            "treeids nodeids featureids modes values truenodeids falsenodeids missing_value_tracks_true".split()
        )
    }
    leaves = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        for node, feature in enumerate(tree["feature"]):
            leaf = feature < 0
            nodes["treeids"].append(number)
            nodes["nodeids"].append(node)
            nodes["featureids"].append(max(feature, 0))
            nodes["modes"].append("LEAF" if leaf else "BRANCH_LT")
            nodes["values"].append(tree["threshold"][node])
            nodes["truenodeids"].append(0 if leaf else tree["yes"][node])
            nodes["falsenodeids"].append(0 if leaf else tree["no"][node])
            nodes["missing_value_tracks_true"].append(0 if leaf else int(tree["missing"][node] == tree["yes"][node]))
            if leaf:
                leaves["treeids"].append(number)
                leaves["nodeids"].append(node)
                leaves["ids"].append(0)
                leaves["weights"].append(tree["value"][node])
    return {f"nodes_{key}": value for key, value in nodes.items()} | {
        f"target_{key}": value for key, value in leaves.items()
    }
