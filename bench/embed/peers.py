"""The libraries that people would use instead, one process each, all with the same seeded ViT-B/32.

A peer is loaded once and then measured many times, in turn with catwalk, so that all see the same machine.
"""

import io
import multiprocessing
import pathlib
import resource
import threading
import time
import traceback

SIZE, DIM = 224, 512


def vision_tower(folder):
    """pixel_values [batch, 3, 224, 224], fp32 -> [batch, 512], as an nn.Module."""
    import torch
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(folder, attn_implementation="sdpa").eval()

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vision, self.projection = model.vision_model, model.visual_projection

        def forward(self, pixel_values):
            return self.projection(self.vision(pixel_values).pooler_output)

    return Tower().eval()


def calibration_pixels(count=64):
    """Pictures that are no noise: blurred random blots, in CLIP's range."""
    import torch

    random = torch.Generator().manual_seed(3)
    for _ in range(count):
        coarse = torch.randn(1, 3, 14, 14, generator=random)
        yield torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(-1.8, 2.1)


class Transformers:
    """transformers on PyTorch in eager mode."""

    def __init__(self, folder, precision, threads):
        import torch

        self.torch, self.threads = torch, threads
        self.type = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        self.model = vision_tower(folder).to(self.type)

    def runner(self, batch):
        self.torch.set_num_threads(self.threads)
        pixels = self.torch.randn(batch, 3, SIZE, SIZE, dtype=self.type)

        def run():
            with self.torch.inference_mode():
                self.model(pixels)

        return run


class OnnxRuntime:
    """ONNX Runtime: the exported model in fp32, or quantised by its own dynamic quantisation."""

    def __init__(self, folder, precision, threads):
        import onnxruntime

        path = exported(folder)
        if precision == "int8":
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantised = path.with_name("tower-int8.onnx")
            if not quantised.exists():
                quantize_dynamic(path, quantised, weight_type=QuantType.QInt8, per_channel=True)
            path = quantised
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def runner(self, batch):
        import numpy

        pixels = numpy.random.default_rng(1).standard_normal((batch, 3, SIZE, SIZE), dtype=numpy.float32)
        return lambda: self.session.run(None, {"pixel_values": pixels})


class OpenVino:
    """OpenVINO: f32, bf16, or int8 by NNCF's post-training quantisation."""

    def __init__(self, folder, precision, threads):
        import openvino
        import torch

        model = openvino.convert_model(vision_tower(folder), example_input=torch.randn(2, 3, SIZE, SIZE))
        if precision == "int8":
            import nncf

            model = nncf.quantize(
                model,
                nncf.Dataset([p.numpy() for p in calibration_pixels()]),
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=64,
            )
        hint = "bf16" if precision == "bf16" else "f32"
        streams = 2 // threads
        self.openvino = openvino
        self.compiled = openvino.Core().compile_model(
            model,
            "CPU",
            {"INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": 2},
        )

    def runner(self, batch):
        import numpy

        request = self.compiled.create_infer_request()
        pixels = numpy.random.default_rng(1).standard_normal((batch, 3, SIZE, SIZE), dtype=numpy.float32)
        return lambda: request.infer({0: pixels})


class SentenceTransformers:
    """sentence-transformers' `encode`, from JPEG bytes to vectors."""

    def __init__(self, folder, precision, threads, device="cpu"):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self.model = SentenceTransformer(str(folder), device=device).to(kind)

    def encode(self, files, batch):
        from PIL import Image

        pictures = [Image.open(io.BytesIO(pathlib.Path(f).read_bytes())) for f in files]
        return self.model.encode(pictures, batch_size=batch, show_progress_bar=False)


def exported(folder):
    path = pathlib.Path(folder) / "onnx" / "tower.onnx"
    if path.exists():
        return path
    import torch

    path.parent.mkdir()
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        vision_tower(folder),
        (torch.randn(2, 3, SIZE, SIZE),),
        path,
        input_names=["pixel_values"],
        dynamic_shapes={"pixel_values": {0: batch}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return path


def rate(peer, batch, workers, seconds):
    """`workers` threads run batches for `seconds`. (images per second, CPU seconds per image)"""
    done, lock = [0], threading.Lock()
    runners = [peer.runner(batch) for _ in range(workers)]
    for run in runners:
        run()

    def work(run):
        while time.perf_counter() - begun < seconds:
            run()
            with lock:
                done[0] += batch

    begun, cpu = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work, args=(run,)) for run in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return done[0] / wall, cpu / done[0]


def serve(connection, kind, folder, precision, threads):
    try:
        peer = kind(folder, precision, threads)
        connection.send(("ready", None))
        while (asked := connection.recv()) is not None:
            what, arguments = asked
            if what == "rate":
                connection.send(("done", rate(peer, *arguments)))
            else:
                files, batch = arguments
                begun, cpu = time.perf_counter(), time.process_time()
                peer.encode(files, batch)
                wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
                most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                connection.send(("done", (len(files) / wall, cpu / len(files), most)))
    except Exception as failure:
        connection.send(("failed", f"{type(failure).__name__}: {failure}\n{traceback.format_exc()}"))


class Resident:
    """A peer in a process of its own. `threads` intra-op, 2 in all."""

    def __init__(self, kind, folder, precision, threads):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, kind, folder, precision, threads), daemon=True)
        self.process.start()
        theirs.close()
        self.workers = 2 // threads
        self.answer()

    def answer(self):
        try:
            kind, value = self.connection.recv()
        except EOFError:
            raise RuntimeError(f"it ended with {self.process.exitcode}") from None
        if kind == "failed":
            raise RuntimeError(value)
        return value

    def rate(self, batch, seconds):
        self.connection.send(("rate", (batch, self.workers, seconds)))
        return self.answer()

    def encode(self, files, batch):
        self.connection.send(("encode", (files, batch)))
        return self.answer()

    def end(self):
        self.connection.send(None)
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
