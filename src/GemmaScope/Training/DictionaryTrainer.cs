using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Trains a dictionary step by step, single-layer or of several layers. Parameters are f32 in own memory; what a step needs besides grows
/// with the batch only. One thread at a time may use a trainer, whose work is shared by all workers; the same seed and batches give the
/// same bits.
/// </summary>
public sealed class DictionaryTrainer : IDisposable
{
    private readonly Counters _counters = new("counters", 2),
        _lastUpdates;
    private readonly Firing _firing;
    private readonly RunningNumbers _running;
    private readonly TrainingStep _step;
    private readonly Resampling _resampling;

    private DictionaryTrainer(Recipe recipe, TrainerShape shape, ulong seed)
    {
        (Recipe, Shape) = (recipe, shape);
        Parameters = new TrainerParameters(recipe, shape, moments: true);
        (_lastUpdates, _firing) = (new("last_update", shape.Features), new(shape.Features, recipe.DeadAfterTokens));
        _running = new RunningNumbers(recipe);
        _step = new TrainingStep(recipe, shape, Parameters, _firing, _running);
        _resampling = new Resampling(recipe, shape, Parameters, _firing, _lastUpdates, seed);
    }

    /// <summary>The hyper-parameters.</summary>
    public Recipe Recipe { get; }

    /// <summary>Widths and features.</summary>
    public TrainerShape Shape { get; }

    /// <summary>Steps done.</summary>
    public long Step => _counters[0];

    /// <summary>Rows trained on.</summary>
    public long Tokens => _counters[1];

    /// <summary>
    /// All that a checkpoint must store: parameters, moments and counters. The tensors are the trainer's own memory: a trainer of the same
    /// recipe and shape continues bit for bit once their bytes are copied into its own.
    /// </summary>
    public IEnumerable<(string Name, Tensor Tensor)> State =>
        [
            .. Parameters.All.SelectMany(parameter => parameter.State()),
            _counters.State,
            _lastUpdates.State,
            .. _firing.State,
            _running.State,
        ];

    internal TrainerParameters Parameters { get; }

    /// <summary>For AuxK and resampling the features that count as dead whatever they do; null: those that have not fired for long.</summary>
    internal IReadOnlyList<int>? FixedDead { get; set; }

    /// <summary>Seconds of the last step: encoding, decoding, and the features' gradients with their optimiser.</summary>
    internal ReadOnlySpan<double> PhaseSeconds => _step.PhaseSeconds;

    /// <summary>Share of entries from which the features of a group go through dense products; 0 for always, infinity for never.</summary>
    internal double DenseShare
    {
        set => _step.DenseShare = value;
    }

    /// <summary>A trainer with fresh parameters.</summary>
    /// <param name="recipe">The hyper-parameters.</param>
    /// <param name="shape">Widths and features.</param>
    /// <param name="seed">Decides the first parameters, and the rows at which dead features are resampled.</param>
    /// <exception cref="ArgumentProblemException">The recipe contradicts itself or does not fit the shape.</exception>
    public static DictionaryTrainer Create(Recipe recipe, TrainerShape shape, ulong seed)
    {
        RecipeChecks.Check(recipe, shape);
        var trainer = new DictionaryTrainer(recipe, shape, seed);
        ParameterStart.Fill(trainer.Parameters, recipe, shape, seed);
        return trainer;
    }

    /// <summary>Begins with the parameters of given dictionaries instead of fresh ones, to train them further or on other activations; call
    /// it before the first step, and then not <see cref="Prepare"/>.</summary>
    /// <param name="dictionaries">One of the shape that is trained; of several layers one autoencoder or transcoder a layer, of at least as
    /// many features as its block has. They remain the caller's.</param>
    /// <param name="inputScales">For each input layer, what its rows are divided by.</param>
    /// <param name="outputScales">For each output layer, what its rows are divided by.</param>
    /// <exception cref="ArgumentProblemException">A dictionary does not fit the recipe or the shape.</exception>
    public void StartFrom(
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<double> inputScales,
        IReadOnlyList<double> outputScales
    ) => _running.Threshold = new DictionaryStart(Recipe, Shape, Parameters, inputScales, outputScales).Fill(dictionaries);

    /// <summary>Sets what begins from data (b_dec, if the recipe says so). Call it before the first step with a few thousand rows, or not
    /// at all.</summary>
    /// <param name="y">[rows, <see cref="TrainerShape.OutputWidth"/>] targets, divided by their scale.</param>
    /// <exception cref="ArgumentProblemException">The rows have another width, or there are none.</exception>
    public void Prepare(MatrixView y)
    {
        if (y.Rows == 0 || y.Columns != Shape.OutputWidth)
            throw new ArgumentProblemException($"is [{y.Rows}, {y.Columns}]; rows of {Shape.OutputWidth} are needed", "y");
        var bias = Parameters.DecoderBias.Values.AsSpan();
        if (Recipe.DecoderBiasStart == DecoderBiasStart.GeometricMedian)
            ParameterStart.GeometricMedian(y).CopyTo(bias);
        if (Recipe.DecoderBiasStart == DecoderBiasStart.Mean)
            ParameterStart.Mean(y).Select(value => (float)value).ToArray().CopyTo(bias);
    }

    /// <summary>One optimiser step.</summary>
    /// <param name="x">[rows, <see cref="TrainerShape.InputWidth"/>] inputs, divided by their scale; of several layers side by
    /// side.</param>
    /// <param name="y">[rows, <see cref="TrainerShape.OutputWidth"/>] targets, divided by theirs; x again where it is
    /// reconstructed.</param>
    /// <exception cref="ArgumentProblemException">Rows or widths do not fit, or the loss is no longer finite; nothing has moved
    /// then.</exception>
    public StepReport Train(MatrixView x, MatrixView y)
    {
        var report = Run(new OptimiserSink(Recipe, Parameters, _lastUpdates, Step), x, y);
        // Later only rows that move need it; the first parameters may have come from elsewhere.
        if (Step == 0 && Recipe.UnitNormDecoder)
            for (var feature = 0; feature < Shape.Features; feature++)
                if (_lastUpdates[feature] == 0)
                    DecoderGeometry.Normalise(DecoderRow(feature));
        if (_resampling.IsDue(Step))
            report = report with { Resampled = Resample(x, y) };
        _counters[0]++;
        _counters[1] += x.Rows;
        _firing.Close(x.Rows);
        return report;
    }

    /// <summary>Share of the features that fired at more than so many of the rows of the last <see cref="Recipe.DeadAfterTokens"/>, or of
    /// half of them.</summary>
    internal double ShareFiringAbove(double rate) => _firing.ShareAbove(rate);

    /// <summary>Forward and backward, with the gradients going to a sink.</summary>
    internal StepReport Run(GradientSink sink, MatrixView x, MatrixView y) => _step.Run(x, y, sink, Step, Tokens, FixedDead, LossParts.All);

    /// <summary>The loss of a batch and its gradients by all parameters; nothing moves.</summary>
    internal StepGradients Gradients(MatrixView x, MatrixView y, LossParts parts = LossParts.All)
    {
        var gradients = new TrainerParameters(Recipe, Shape, moments: false);
        var reconstruction = Tensor.Uninitialized(y.Rows, y.Columns);
        var report = _step.Run(x, y, new RecordingSink(Parameters, gradients), Step, Tokens, FixedDead, parts, reconstruction.AsMatrix());
        return new StepGradients(report, gradients, _step.Features(), reconstruction);
    }

    /// <summary>
    /// The single-layer dictionary learned so far, with a copy of its parameters folded to raw activations. Decoder vectors stay unit
    /// vectors, so activations are on the scale of the output. What was trained with BatchTopK becomes a JumpReLU whose thresholds are the
    /// running one (METHODS §2.8).
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="inputScale">What input rows were divided by.</param>
    /// <param name="outputScale">What target rows were divided by; the same for an autoencoder.</param>
    /// <param name="input">The site it reads, or null.</param>
    /// <param name="output">The site it writes; null: the same.</param>
    /// <exception cref="ArgumentProblemException">The shape has several layers or blocks.</exception>
    public SparseDictionary ToDictionary(string name, double inputScale, double outputScale, Site? input = null, Site? output = null)
    {
        if (Shape.Blocks.Count > 1 || Shape.OutputLayers > 1)
            throw new ArgumentProblemException("was trained with several layers and is no single-layer dictionary", name);
        return TrainedDictionary
            .Fold(Parameters, Recipe, Shape, _running.Threshold, inputScale, outputScale)
            .ToDictionary(name, input, output, owns: true);
    }

    /// <summary>
    /// The dictionary learned so far, of one or several layers, with a copy of its parameters folded to raw activations. Of a dictionary of
    /// several layers activations are on the scale of the layer that is read; where each feature reads all of them they stay as they are.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="inputScales">For each input layer, what its rows were divided by.</param>
    /// <param name="outputScales">For each output layer, what its rows were divided by.</param>
    /// <param name="inputs">The site of each input layer; empty if not known.</param>
    /// <param name="outputs">The site of each output layer; empty if not known.</param>
    /// <exception cref="ArgumentProblemException">There is not one scale a layer, the blocks do not read and write as in <see
    /// cref="TrainerShape.CrossLayer"/>, or its features have no thresholds (top-k, gated).</exception>
    public SparseDictionary ToDictionary(
        string name,
        IReadOnlyList<double> inputScales,
        IReadOnlyList<double> outputScales,
        IReadOnlyList<Site> inputs,
        IReadOnlyList<Site> outputs
    )
    {
        if (Shape is { Blocks.Count: 1, OutputLayers: 1 } && inputScales is [var inputScale] && outputScales is [var outputScale])
            return ToDictionary(name, inputScale, outputScale, inputs.Count > 0 ? inputs[0] : null, outputs.Count > 0 ? outputs[0] : null);
        return new MultiLayerFolding(Parameters, Recipe, Shape, _running.Threshold, inputScales, outputScales).ToDictionary(
            name,
            inputs,
            outputs
        );
    }

    /// <summary>Frees parameters and moments.</summary>
    public void Dispose()
    {
        Parameters.Dispose();
        _counters.Dispose();
        _lastUpdates.Dispose();
        _firing.Dispose();
        _running.Dispose();
        _step.Dispose();
    }

    private int Resample(MatrixView x, MatrixView y)
    {
        var tokens = Tokens + x.Rows;
        return _resampling.Run(Step, tokens, x, y, _step.RowErrors(), FixedDead ?? _firing.Dead(tokens));
    }

    private Span<float> DecoderRow(int feature)
    {
        var (block, row) = Shape.Locate(feature);
        return Parameters.Decoder[block].Values.Row(row);
    }
}

/// <summary>The loss of a batch with its gradients, as the optimiser would get them before projection.</summary>
/// <param name="Report">The losses.</param>
/// <param name="Gradients">∂L/∂ of each parameter.</param>
/// <param name="Features">f.</param>
/// <param name="Reconstruction">ŷ.</param>
internal sealed record StepGradients(StepReport Report, TrainerParameters Gradients, SparseActivations Features, Tensor Reconstruction)
    : IDisposable
{
    public void Dispose()
    {
        Gradients.Dispose();
        Reconstruction.Dispose();
    }
}
