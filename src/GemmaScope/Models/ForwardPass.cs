using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// One run through the layers, exactly METHODS §1.2. Every step is followed by the hooks of its site; steps whose
/// result nobody listens to are fused with the next one.
/// </summary>
internal sealed class ForwardPass(
    GemmaConfig config,
    GemmaWeights weights,
    RotaryTable local,
    RotaryTable global,
    Workspace workspace,
    RunHooks hooks,
    RunSequences sequences,
    Arithmetic arithmetic,
    CancellationToken cancellationToken
)
{
    private readonly int _rows = sequences.TotalRows;

    /// <summary>Runs the embedding and the layers up to <paramref name="stopAfter"/> (null: all); returns the residual stream [rows,
    /// d].</summary>
    /// <param name="stopAfter">The last site to compute.</param>
    /// <param name="resume">Where another run of the same tokens is taken up; null: at the embedding.</param>
    public MatrixView Layers(Site? stopAfter, ResumePoint? resume)
    {
        var residual = workspace.Buffer("residual", _rows, config.Width);
        if (resume is { } point)
        {
            for (var row = 0; row < _rows; row++)
                point.Residual.Row(row).CopyTo(residual.Row(row));
            hooks.At(SiteKind.ResidPost, point.Layer - 1, residual, sequences);
        }
        else
        {
            Embed(residual);
            hooks.At(SiteKind.Embed, 0, residual, sequences);
        }
        for (var layer = resume?.Layer ?? 0; layer < config.Layers; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (stopAfter is { } stop && stop < new Site(SiteKind.ResidPre, layer))
                break;
            weights.ReadAhead(layer + 1);
            hooks.At(SiteKind.ResidPre, layer, residual, sequences);
            Attention(layer, residual);
            if (stopAfter is { } middle && middle <= new Site(SiteKind.ResidMid, layer))
                break;
            Mlp(layer, residual);
        }
        return residual;
    }

    /// <summary>Final norm and unembedding of the asked rows: [asked rows, vocabulary rows], capped.</summary>
    /// <param name="residual">[rows, d].</param>
    /// <param name="asked">Last or All.</param>
    public Tensor Logits(MatrixView residual, LogitRows asked)
    {
        var normed = workspace.Buffer("normed", _rows, config.Width);
        Norm(residual, weights.FinalGain, SiteKind.LnFinalNormalized, SiteKind.FinalNormOut, 0, normed);
        var (selected, positions) = Select(normed, asked);
        var logits = Tensor.Uninitialized(selected.Rows, config.VocabularyRows);
        try
        {
            var rows = logits.AsMatrix();
            Compute.Kernels.Multiply(selected, WeightView.Of(weights.Unembedding, WeightLayout.OutIn), rows, arithmetic);
            hooks.AtLogits(SiteKind.LogitsRaw, rows, positions);
            if (config.FinalCap is float cap)
                Workers.For(rows.Rows, new CapRow(rows, cap));
            hooks.AtLogits(SiteKind.Logits, rows, positions);
            return logits;
        }
        catch
        {
            logits.Dispose();
            throw;
        }
    }

    private void Embed(MatrixView residual)
    {
        var table = weights.Embedding;
        for (var s = 0; s < sequences.Count; s++)
        {
            var rows = sequences.Rows(residual, s);
            var tokens = sequences.Tokens(s);
            for (var t = 0; t < tokens.Length; t++)
            {
                var row = rows.Row(t);
                table.WidenRow(tokens[t], row);
                System.Numerics.Tensors.TensorPrimitives.Multiply(row, config.EmbeddingScale, row);
            }
        }
    }

    /// <summary>residual += post_norm(attention(norm(residual))).</summary>
    private void Attention(int layer, MatrixView residual)
    {
        var w = weights.Layers[layer];
        var normed = workspace.Buffer("normed", _rows, config.Width);
        Norm(residual, w.InputGain, SiteKind.Ln1Normalized, SiteKind.AttnIn, layer, normed);

        var q = workspace.Buffer("q", _rows, config.Heads * config.HeadSize);
        var k = workspace.Buffer("k", _rows, config.KeyValueHeads * config.HeadSize);
        var v = workspace.Buffer("v", _rows, config.KeyValueHeads * config.HeadSize);
        Compute.Kernels.MultiplyEach(normed, [new(w.Query, q), new(w.Key, k), new(w.Value, v)], arithmetic);
        hooks.At(SiteKind.Q, layer, q, sequences);
        hooks.At(SiteKind.K, layer, k, sequences);
        hooks.At(SiteKind.V, layer, v, sequences);
        if (w.QueryGain is not null && w.KeyGain is not null)
        {
            NormHeads(q, w.QueryGain, SiteKind.QNormed, layer);
            NormHeads(k, w.KeyGain, SiteKind.KNormed, layer);
        }
        var table = (config.Sliding[layer] ? local : global).Rows(sequences.Positions);
        Rotate(q, table, SiteKind.QRope, layer);
        Rotate(k, table, SiteKind.KRope, layer);

        var z = workspace.Buffer("z", _rows, config.Heads * config.HeadSize);
        new Attention(config, layer, hooks, sequences).Run(q, k, v, z);
        hooks.At(SiteKind.Z, layer, z, sequences);

        var output = workspace.Buffer("sublayer", _rows, config.Width);
        Project(z, w.Output, output, SiteKind.AttnOutRaw, layer);
        AddNormed(output, w.PostAttentionGain, SiteKind.AttnOut, layer, residual);
        hooks.At(SiteKind.ResidMid, layer, residual, sequences);
    }

    /// <summary>residual += post_norm(mlp(norm(residual))).</summary>
    private void Mlp(int layer, MatrixView residual)
    {
        var w = weights.Layers[layer];
        var normed = workspace.Buffer("normed", _rows, config.Width);
        Norm(residual, w.PreMlpGain, SiteKind.Ln2Normalized, SiteKind.MlpIn, layer, normed);
        var output = workspace.Buffer("sublayer", _rows, config.Width);

        var open =
            hooks.Listens(SiteKind.MlpGatePre, layer)
            || hooks.Listens(SiteKind.MlpUp, layer)
            || hooks.Listens(SiteKind.MlpActProduct, layer);
        // A listener sees all rows at once; otherwise rows go in blocks to bound memory.
        var block = open ? _rows : Math.Min(_rows, Workspace.MlpRows);
        var gateBuffer = workspace.Buffer("gate", block, config.MlpWidth);
        var upBuffer = workspace.Buffer("up", block, config.MlpWidth);
        for (var start = 0; start < _rows; start += block)
        {
            var count = Math.Min(block, _rows - start);
            var input = normed.SliceRows(start, count);
            var (gate, up) = (gateBuffer.SliceRows(0, count), upBuffer.SliceRows(0, count));
            if (open)
            {
                Compute.Kernels.MultiplyEach(input, [new(w.Gate, gate), new(w.Up, up)], arithmetic);
                hooks.At(SiteKind.MlpGatePre, layer, gate, sequences);
                hooks.At(SiteKind.MlpUp, layer, up, sequences);
                Workers.For(count, new GateRow(gate, up));
                hooks.At(SiteKind.MlpActProduct, layer, gate, sequences);
            }
            else
                Compute.Kernels.MultiplyGated(input, w.Gate, w.Up, gate, up, arithmetic);
            Compute.Kernels.Multiply(gate, w.Down, output.SliceRows(start, count), arithmetic);
            cancellationToken.ThrowIfCancellationRequested();
        }
        hooks.At(SiteKind.MlpOutRaw, layer, output, sequences);
        AddNormed(output, w.PostMlpGain, SiteKind.MlpOut, layer, residual);
        hooks.At(SiteKind.ResidPost, layer, residual, sequences);
    }

    private void Project(MatrixView input, WeightView matrix, MatrixView output, SiteKind site, int layer)
    {
        Compute.Kernels.Multiply(input, matrix, output, arithmetic);
        hooks.At(site, layer, output, sequences);
    }

    /// <summary>normed = x / rms(x) · (1 + gain), stopping at the bare vector if someone listens there.</summary>
    private void Norm(MatrixView x, float[] gain, SiteKind bare, SiteKind gained, int layer, MatrixView normed)
    {
        if (hooks.Listens(bare, layer))
        {
            Workers.For(x.Rows, new NormalizeRow(x, config.NormEpsilon, normed));
            hooks.At(bare, layer, normed, sequences);
            Workers.For(x.Rows, new GainRow(normed, gain));
        }
        else
        {
            Workers.For(x.Rows, new NormRow(x, gain, config.NormEpsilon, normed));
        }
        hooks.At(gained, layer, normed, sequences);
    }

    private void NormHeads(MatrixView heads, float[] gain, SiteKind site, int layer)
    {
        Workers.For(heads.Rows, new NormHeadsRow(heads, gain, config.NormEpsilon));
        hooks.At(site, layer, heads, sequences);
    }

    private void Rotate(MatrixView heads, Tensor table, SiteKind site, int layer)
    {
        for (var s = 0; s < sequences.Count; s++)
        {
            var rows = sequences.Rows(heads, s);
            Workers.For(rows.Rows, new RotateRow(rows, table.AsMatrix(), sequences.First(s), config.HeadSize));
        }
        hooks.At(site, layer, heads, sequences);
    }

    /// <summary>residual += norm(output) · (1 + gain).</summary>
    private void AddNormed(MatrixView output, float[] gain, SiteKind site, int layer, MatrixView residual)
    {
        Workers.For(output.Rows, new NormRow(output, gain, config.NormEpsilon, output));
        hooks.At(site, layer, output, sequences);
        Workers.For(output.Rows, new AddRow(output, residual));
    }

    private (MatrixView Rows, int[] Positions) Select(MatrixView normed, LogitRows asked)
    {
        if (asked == LogitRows.All)
            return (
                normed,
                [.. Enumerable.Range(0, sequences.Count).SelectMany(s => Enumerable.Range(sequences.First(s), sequences.Length(s)))]
            );
        var last = workspace.Buffer("last", sequences.Count, config.Width);
        var positions = new int[sequences.Count];
        for (var s = 0; s < sequences.Count; s++)
        {
            normed.Row(sequences.Start(s) + sequences.Length(s) - 1).CopyTo(last.Row(s));
            positions[s] = sequences.First(s) + sequences.Length(s) - 1;
        }
        return (last, positions);
    }
}
