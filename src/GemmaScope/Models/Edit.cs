using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>A span of absolute token positions of a sequence (position 0 is its first token, usually BOS).</summary>
/// <param name="Start">First position.</param>
/// <param name="End">One past the last position.</param>
public readonly record struct Positions(int Start, int End)
{
    /// <summary>Every position.</summary>
    public static Positions All { get; } = new(0, int.MaxValue);

    /// <summary>One position.</summary>
    public static Positions At(int position) => new(position, position + 1);

    /// <summary>Lets <c>1..</c> and <c>3..7</c> be written for a span; positions from the end are unknown before the run and are
    /// refused.</summary>
    public static implicit operator Positions(Range range) => FromRange(range);

    /// <summary>The span of a C# range.</summary>
    /// <exception cref="ArgumentProblemException">The range counts from the end.</exception>
    public static Positions FromRange(Range range)
    {
        var openEnd = range.End.Equals(Index.End);
        if (range.Start.IsFromEnd || (range.End.IsFromEnd && !openEnd))
            throw new ArgumentProblemException("positions are counted from the start of the sequence; '^' cannot be used", "positions");
        return new(range.Start.Value, openEnd ? int.MaxValue : range.End.Value);
    }

    /// <summary>Which of some rows are in the span: [Start, End), empty where Start ≥ End.</summary>
    /// <param name="first">Position of row 0.</param>
    /// <param name="count">Number of rows.</param>
    internal (int Start, int End) Rows(int first, int count) => (Math.Max(Start - first, 0), (int)Math.Min((long)End - first, count));
}

/// <summary>A change of one sequence's activations at a site. Rows are tokens; row 0 is at absolute position
/// <paramref name="firstPosition"/>.</summary>
/// <param name="rows">The activations, to be changed in place: [tokens, width]; at attention-matrix sites [queries, keys] of one
/// head.</param>
/// <param name="firstPosition">Absolute position of row 0.</param>
public delegate void RowsEdit(MatrixView rows, int firstPosition);

/// <summary>
/// A change made to the activations at a site during a run, before anything downstream reads them. Always in f32,
/// whatever the weights' type (METHODS §1.4 no. 8). Several edits at one site are applied in the order given.
/// </summary>
public sealed class Edit
{
    private readonly RowsEdit _apply;
    private readonly Action<MatrixView, RunSequences>? _together;
    private readonly RowsEdit? _heads;
    private readonly Positions _positions;

    private Edit(
        Site site,
        Positions? positions,
        int? width,
        RowsEdit apply,
        Action<MatrixView, RunSequences>? together = null,
        RowsEdit? heads = null
    )
    {
        (Site, Width, _apply, _positions, _together, _heads) = (site, width, apply, positions ?? Positions.All, together, heads);
    }

    /// <summary>Where.</summary>
    public Site Site { get; }

    /// <summary>Width of the vectors this edit needs, or null if any fits.</summary>
    internal int? Width { get; }

    /// <summary>x := vector.</summary>
    public static Edit Set(Site site, ReadOnlyMemory<float> vector, Positions? positions = null) =>
        new(site, positions, vector.Length, EachRow(row => vector.Span.CopyTo(row)));

    /// <summary>x := 0.</summary>
    public static Edit Zero(Site site, Positions? positions = null) => new(site, positions, null, EachRow(row => row.Clear()));

    /// <summary>x += strength · vector.</summary>
    public static Edit Add(Site site, ReadOnlyMemory<float> vector, float strength = 1, Positions? positions = null) =>
        new(site, positions, vector.Length, EachRow(row => TensorPrimitives.MultiplyAdd(vector.Span, strength, row, row)));

    /// <summary>x *= factor.</summary>
    public static Edit Scale(Site site, float factor, Positions? positions = null) =>
        new(site, positions, null, EachRow(row => TensorPrimitives.Multiply(row, factor, row)));

    /// <summary>x −= (x · u) u with u = direction / ‖direction‖.</summary>
    /// <exception cref="ArgumentProblemException">The direction is zero or not finite.</exception>
    public static Edit ProjectOut(Site site, ReadOnlyMemory<float> direction, Positions? positions = null) =>
        ScaleWithin(site, [direction], 0, positions);

    /// <summary>x := (I − P) x + factor · P x, where P projects on the span of the directions; 0 removes that part of x, 1 leaves it, −1
    /// turns it round.</summary>
    /// <param name="site">Where.</param>
    /// <param name="directions">Vectors of the site's width, of any length; one that depends on those before it adds nothing.</param>
    /// <param name="factor">What the part of x within the span is multiplied by.</param>
    /// <param name="positions">At which positions; null for all.</param>
    /// <exception cref="ArgumentProblemException">There is no direction, one is zero or not finite, or their lengths differ.</exception>
    public static Edit ScaleWithin(Site site, IReadOnlyList<ReadOnlyMemory<float>> directions, float factor, Positions? positions = null)
    {
        var basis = OrthonormalBasis.Of(directions);
        return new(
            site,
            positions,
            basis[0].Length,
            EachRow(row =>
            {
                // The basis is orthonormal, so its parts can be taken off one after another.
                foreach (var unit in basis)
                    TensorPrimitives.MultiplyAdd(unit, (factor - 1) * TensorPrimitives.Dot(row, unit), row, row);
            })
        );
    }

    /// <summary>x −= max(0, x · u − ceiling) u with u = direction / ‖direction‖.</summary>
    /// <exception cref="ArgumentProblemException">The direction is zero or not finite.</exception>
    public static Edit Cap(Site site, ReadOnlyMemory<float> direction, float ceiling, Positions? positions = null)
    {
        var unit = OrthonormalBasis.Of([direction])[0];
        return new(
            site,
            positions,
            unit.Length,
            EachRow(row =>
            {
                var above = TensorPrimitives.Dot(row, unit) - ceiling;
                if (above > 0)
                    TensorPrimitives.MultiplyAdd(unit, -above, row, row);
            })
        );
    }

    /// <summary>x := y ‖x‖ / ‖y‖ with y = x + strength · vector; where y is 0, so is the result.</summary>
    public static Edit AddKeepingNorm(Site site, ReadOnlyMemory<float> vector, float strength = 1, Positions? positions = null) =>
        new(
            site,
            positions,
            vector.Length,
            EachRow(row =>
            {
                var before = TensorPrimitives.Norm(row);
                TensorPrimitives.MultiplyAdd(vector.Span, strength, row, row);
                var after = TensorPrimitives.Norm(row);
                if (after > 0)
                    TensorPrimitives.Multiply(row, before / after, row);
            })
        );

    /// <summary>Any function of the rows of a span; it is called once per sequence (and head, at attention matrices) with all rows of the
    /// span that the run computes.</summary>
    public static Edit Function(Site site, RowsEdit function, Positions? positions = null) => new(site, positions, null, function);

    /// <summary>A function of the rows of all sequences of a run, one after another, called once: what multiplies them does so in one
    /// product.</summary>
    internal static Edit OfAllSequences(Site site, Action<MatrixView> function) => OfRun(site, (rows, _) => function(rows));

    /// <summary>The same for a function that has to know which rows are whose.</summary>
    internal static Edit OfRun(Site site, Action<MatrixView, RunSequences> function) => new(site, null, null, (_, _) => { }, function);

    /// <summary>A function of the attention matrices of all heads of a sequence together, [heads · queries, keys], for one that has to know
    /// which head is whose.</summary>
    internal static Edit OfHeads(Site site, RowsEdit function) => new(site, null, null, (_, _) => { }, heads: function);

    /// <summary>The same for one of the sequences of a run; not for attention matrices.</summary>
    internal Edit OfSequence(int sequence) => OfRun(Site, (rows, run) => Apply(run.Rows(rows, sequence), run.First(sequence)));

    /// <summary>Applies the edit to the attention matrices of a sequence, [heads · queries, keys].</summary>
    internal void ApplyToHeads(MatrixView matrices, int heads, int firstPosition)
    {
        var queries = matrices.Rows / heads;
        if (_heads is not null)
            _heads(matrices, firstPosition);
        else
            for (var head = 0; head < heads; head++)
                Apply(matrices.SliceRows(head * queries, queries), firstPosition);
    }

    /// <summary>Applies the edit to the rows of all sequences of a run.</summary>
    internal void Apply(MatrixView rows, RunSequences sequences)
    {
        if (_together is not null)
            _together(rows, sequences);
        else
            for (var s = 0; s < sequences.Count; s++)
                Apply(sequences.Rows(rows, s), sequences.First(s));
    }

    /// <summary>Applies the edit to the rows of one sequence that fall into its span.</summary>
    internal void Apply(MatrixView rows, int firstPosition)
    {
        var (start, end) = _positions.Rows(firstPosition, rows.Rows);
        if (start < end)
            _apply(rows.SliceRows(start, end - start), firstPosition + start);
    }

    private delegate void RowEdit(Span<float> row);

    private static RowsEdit EachRow(RowEdit edit) =>
        (rows, _) =>
        {
            for (var i = 0; i < rows.Rows; i++)
                edit(rows.Row(i));
        };
}
