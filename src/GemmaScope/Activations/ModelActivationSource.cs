using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Settings of a <see cref="ModelActivationSource"/>.</summary>
public sealed record ModelSourceOptions
{
    /// <summary>Rows kept in memory to be shuffled; half of them are handed out before as many new ones come in. 2 or more.</summary>
    public int BufferRows { get; init; } = 1 << 15;

    /// <summary>Decides about the order of the rows.</summary>
    public long Seed { get; init; }

    /// <summary>Windows that go through the model together; null: about 1024 tokens.</summary>
    public int? WindowsPerRun { get; init; }

    /// <summary>Exact or fast; null for the process's choice.</summary>
    public Arithmetic? Arithmetic { get; init; }
}

/// <summary>
/// Activations straight from the model, for disks that are too small for a store: a buffer in memory is filled, half of it is handed out in
/// a random order and replaced, and so on; when the text ends it begins anew. Rows are mixed over the buffer only. The scale is that of
/// the first <see cref="ModelSourceOptions.BufferRows"/> rows.
/// </summary>
/// <remarks>
/// <see cref="Seek"/> is exact: which row of the text lies where in the buffer depends on counts and the seed alone, so the shuffling is
/// repeated with row numbers, and the model then runs only for the windows whose rows are in the buffer. Those lie at most some twenty
/// refills back, however far the stream has come; the text before is read and tokenized only.
/// </remarks>
public sealed class ModelActivationSource : IActivationSource
{
    private readonly HarvestSites _sites;
    private readonly RowStream _stream;
    private readonly ModelSourceOptions _options;
    private readonly Tensor[] _buffer;
    private readonly double[] _scales;
    private int[] _order = [];
    private long _refills;
    private int _next;
    private long? _interrupted;

    /// <summary>Fills the buffer for the first time.</summary>
    /// <param name="model">The model; it has to outlive the source.</param>
    /// <param name="sites">Sites in the order wanted.</param>
    /// <param name="text">The text.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the model.</param>
    /// <exception cref="ArgumentProblemException">A site cannot be had, the text has no token that counts, or the buffer has no two
    /// rows.</exception>
    public ModelActivationSource(
        GemmaModel model,
        IReadOnlyList<Site> sites,
        WindowSource text,
        ModelSourceOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        _options = options ?? new();
        if (_options.BufferRows < 2)
            throw new ArgumentProblemException($"must be 2 rows or more, found {_options.BufferRows}", "buffer");
        (_sites, Sites) = (new HarvestSites(model, sites, _options.Arithmetic), [.. sites]);
        _stream = new RowStream(text, _sites, WindowSource.PerRun(text.Context, _options.WindowsPerRun));
        _buffer = [.. _sites.Sites.Select(site => Tensor.Uninitialized(_options.BufferRows, site.Width))];
        try
        {
            FillFirst(cancellationToken);
        }
        catch
        {
            Dispose();
            throw;
        }
        _scales = [.. _buffer.Select(Scale)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<Site> Sites { get; }

    /// <inheritdoc/>
    public long Position => _interrupted ?? _refills * Half + _next;

    private int Half => _options.BufferRows / 2;

    /// <inheritdoc/>
    public int Width(Site site) => _sites.Sites[IndexOf(site)].Width;

    /// <inheritdoc/>
    public double Scale(Site site) => _scales[IndexOf(site)];

    /// <inheritdoc/>
    public void Seek(long position)
    {
        if (position < 0)
            throw new ArgumentProblemException($"must not be negative, found {position}", "position");
        var (refills, next) = Math.DivRem(position, Half);
        if (_interrupted is not null || refills != _refills)
            Restore(refills);
        (_next, _interrupted) = ((int)next, null);
    }

    /// <inheritdoc/>
    public void Read(ActivationBatch batch, CancellationToken cancellationToken = default)
    {
        if (_interrupted is { } place)
            Seek(place);
        var start = Position;
        try
        {
            for (var row = 0; row < batch.Rows; row++)
                Next(batch, row, cancellationToken);
        }
        catch
        {
            // Half a refill is of no use: the buffer is made anew when reading goes on.
            _interrupted = start;
            throw;
        }
    }

    /// <summary>Frees the buffer.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        foreach (var rows in _buffer)
            rows.Dispose();
    }

    private void Next(ActivationBatch batch, int row, CancellationToken cancellationToken)
    {
        if (_next == Half)
            Refill(cancellationToken);
        for (var site = 0; site < _buffer.Length; site++)
            _buffer[site].Row(_order[_next]).CopyTo(batch[site].Row(row));
        _next++;
    }

    private void FillFirst(CancellationToken cancellationToken)
    {
        for (var slot = 0; slot < _options.BufferRows; slot++)
            _stream.Next(_buffer, slot, cancellationToken);
        _order = Order(0);
    }

    private void Refill(CancellationToken cancellationToken)
    {
        for (var i = 0; i < Half; i++)
            _stream.Next(_buffer, _order[i], cancellationToken);
        _order = Order(++_refills);
        _next = 0;
    }

    private void Restore(long refills)
    {
        var rows = new long[_options.BufferRows];
        long next = 0;
        for (; next < rows.Length; next++)
            rows[next] = next;
        for (long refill = 0; refill < refills; refill++)
        {
            var order = Order(refill);
            for (var i = 0; i < Half; i++)
                rows[order[i]] = next++;
        }
        _stream.Load(_buffer, rows, next);
        (_refills, _order) = (refills, Order(refills));
    }

    private int[] Order(long refill) => Shuffle.Permutation(_options.BufferRows, _options.Seed, refill);

    private static double Scale(Tensor rows)
    {
        double sum = 0;
        for (var row = 0; row < rows.Rows; row++)
            sum += SquaredNorm.Of(rows.Row(row));
        return Math.Sqrt(sum / rows.Rows);
    }

    private int IndexOf(Site site)
    {
        for (var i = 0; i < Sites.Count; i++)
            if (Sites[i] == site)
                return i;
        throw new ArgumentProblemException($"is not read, only {string.Join(", ", Sites)}", site.ToString());
    }
}
