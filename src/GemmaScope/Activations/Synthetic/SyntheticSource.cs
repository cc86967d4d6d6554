using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>The rows of a synthetic model as a stream to train on, fresh ones without end.</summary>
public sealed class SyntheticSource : IActivationSource
{
    // The scale is known well enough from some thousand rows: the squared norm of one varies by about a third.
    private const int ScaleRows = 8192;

    private readonly SyntheticModel _model;
    private readonly bool _ownsModel;
    private readonly SyntheticRows _rows;
    private readonly double _scale;

    /// <summary>The stream of a seed.</summary>
    /// <param name="model">The model; it has to outlive the source.</param>
    /// <param name="site">The site that the rows are said to be of.</param>
    /// <param name="seed">Decides the rows.</param>
    public SyntheticSource(SyntheticModel model, Site site, long seed)
    {
        (_model, _rows, Sites) = (model, new SyntheticRows(model, seed), [site]);
        using var rows = Numerics.Tensor.Uninitialized(ScaleRows, model.Config.Width);
        _rows.Fill(0, rows.AsMatrix());
        _scale = Math.Sqrt(SquaredNorm.Of(rows.AsSpan()) / ScaleRows);
    }

    private SyntheticSource(SyntheticModel model, Site site, long seed, bool ownsModel)
        : this(model, site, seed) => _ownsModel = ownsModel;

    /// <summary>The stream of a seed of a model in a file.</summary>
    /// <inheritdoc cref="SyntheticModelFile.Read"/>
    public static SyntheticSource Open(string path, Site site, long seed) =>
        new(SyntheticModelFile.Read(path), site, seed, ownsModel: true);

    /// <inheritdoc/>
    public IReadOnlyList<Site> Sites { get; }

    /// <inheritdoc/>
    public long Position { get; private set; }

    /// <inheritdoc/>
    public int Width(Site site) => Require(site)._model.Config.Width;

    /// <inheritdoc/>
    public double Scale(Site site) => Require(site)._scale;

    /// <inheritdoc/>
    public void Seek(long position) =>
        Position = position >= 0 ? position : throw new ArgumentProblemException($"must not be negative, found {position}", "position");

    /// <inheritdoc/>
    public void Read(ActivationBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _rows.Fill(Position, batch[0]);
        Position += batch.Rows;
    }

    /// <summary>Frees the model where the source opened it.</summary>
    public void Dispose()
    {
        if (_ownsModel)
            _model.Dispose();
    }

    private SyntheticSource Require(Site site) =>
        site == Sites[0] ? this : throw new ArgumentProblemException($"is not read, only {Sites[0]}", site.ToString());
}
