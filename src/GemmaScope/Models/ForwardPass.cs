using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// One run through the layers, exactly METHODS §1.2, for all families: what a model does not have (norms of heads, experts, embeddings for
/// each layer, a factor at a layer's end) its config or weights lack. Every step is followed by the hooks of its site; steps whose result
/// nobody listens to are fused with the next one.
/// </summary>
internal sealed class ForwardPass(
    GemmaConfig config,
    GemmaWeights weights,
    RotaryTables rotary,
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
        var residual = Buffer("residual", config.Width);
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
        var perLayer = config.PerLayer is null ? default : PerLayerInputs(residual);
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
            if (config.PerLayer is { Width: var width })
                AddPerLayer(layer, perLayer.SliceColumns(layer * width, width), residual);
            if (weights.Layers[layer].Scalar is float scalar)
            {
                hooks.At(SiteKind.ResidBeforeScalar, layer, residual, sequences);
                Workers.For(_rows, new MultiplyRow(residual, scalar));
            }
            hooks.At(SiteKind.ResidPost, layer, residual, sequences);
        }
        return residual;
    }

    /// <summary>Final norm and unembedding of the asked rows: [asked rows, vocabulary rows], capped.</summary>
    /// <param name="residual">[rows, d].</param>
    /// <param name="asked">Last or All.</param>
    public Tensor Logits(MatrixView residual, LogitRows asked)
    {
        var normed = Buffer("normed", config.Width);
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

    /// <summary>What each layer is given of each token beside the residual: its row of the table, and the scaled embedding projected: [rows,
    /// layers · P].</summary>
    private MatrixView PerLayerInputs(MatrixView embedded)
    {
        var (w, shape) = (weights.PerLayer!, config.PerLayer!.Value);
        var (token, inputs) = (Buffer("ple token", config.Layers * shape.Width), Buffer("ple inputs", config.Layers * shape.Width));
        for (var s = 0; s < sequences.Count; s++)
        for (var t = 0; t < sequences.Length(s); t++)
            w.Table.WidenRow(sequences.Tokens(s)[t], token.Row(sequences.Start(s) + t));
        Workers.For(_rows, new MultiplyRow(token, MathF.Sqrt(shape.Width)));
        hooks.At(SiteKind.PleToken, 0, token, sequences);
        Compute.Kernels.Multiply(embedded, w.Projection, inputs, arithmetic);
        Workers.For(_rows, new MultiplyRow(inputs, 1 / config.EmbeddingScale));
        hooks.At(SiteKind.PleProjectionRaw, 0, inputs, sequences);
        Workers.For(_rows, new NormHeadsRow(inputs, w.Gain, config.NormEpsilon));
        hooks.At(SiteKind.PleProjection, 0, inputs, sequences);
        Workers.For(_rows, new AddRow(token, inputs));
        Workers.For(_rows, new MultiplyRow(inputs, MathF.Sqrt(0.5f)));
        hooks.At(SiteKind.PleInputs, 0, inputs, sequences);
        return inputs;
    }

    /// <summary>residual += post_norm(attention(norm(residual))).</summary>
    private void Attention(int layer, MatrixView residual)
    {
        var (w, shape) = (weights.Layers[layer], config.Shapes[layer]);
        var normed = Buffer("normed", config.Width);
        Norm(residual, w.InputGain, SiteKind.Ln1Normalized, SiteKind.AttnIn, layer, normed);

        var q = Buffer("q", config.QueryWidth(layer));
        // Keys and values that later layers read as well stay until the run's end.
        var source = shape.KeyValueSource ?? layer;
        var number = config.IsKeyValueSource(source) ? source + 1 : 0;
        var k = workspace.Buffer("k", _rows, shape.KeyValueWidth, number);
        var v = workspace.Buffer("v", _rows, shape.KeyValueWidth, number);
        var makesKeys = source == layer;
        Project(normed, q, k, v, layer);
        if (w.QueryGain is not null)
            NormHeads(q, w.QueryGain, SiteKind.QNormed, layer);
        if (makesKeys && w.KeyGain is not null)
            NormHeads(k, w.KeyGain, SiteKind.KNormed, layer);
        if (makesKeys && config.HasValueNorm)
        {
            Workers.For(_rows, new NormalizeHeadsRow(v, shape.HeadSize, config.NormEpsilon));
            hooks.At(SiteKind.VNormed, layer, v, sequences);
        }
        Rotate(q, SiteKind.QRope, layer);
        if (makesKeys)
            Rotate(k, SiteKind.KRope, layer);

        var z = Buffer("z", config.QueryWidth(layer));
        new Attention(config, layer, hooks, sequences).Run(q, k, v, z);
        hooks.At(SiteKind.Z, layer, z, sequences);

        var output = Buffer("sublayer", config.Width);
        Compute.Kernels.Multiply(z, w.Output, output, arithmetic);
        hooks.At(SiteKind.AttnOutRaw, layer, output, sequences);
        AddNormed(output, w.PostAttentionGain, SiteKind.AttnOut, layer, residual);
        hooks.At(SiteKind.ResidMid, layer, residual, sequences);
    }

    /// <summary>Queries, and the keys and values that the layer makes itself.</summary>
    private void Project(MatrixView normed, MatrixView q, MatrixView k, MatrixView v, int layer)
    {
        var (w, shape) = (weights.Layers[layer], config.Shapes[layer]);
        if (shape.KeyValueSource is not null)
            Compute.Kernels.Multiply(normed, w.Query, q, arithmetic);
        else if (shape.ValuesAreKeys)
            Compute.Kernels.MultiplyEach(normed, [new(w.Query, q), new(w.Key, k)], arithmetic);
        else
            Compute.Kernels.MultiplyEach(normed, [new(w.Query, q), new(w.Key, k), new(w.Value, v)], arithmetic);
        hooks.At(SiteKind.Q, layer, q, sequences);
        if (shape.KeyValueSource is not null)
            return;
        hooks.At(SiteKind.K, layer, k, sequences);
        for (var row = 0; shape.ValuesAreKeys && row < _rows; row++)
            k.Row(row).CopyTo(v.Row(row));
        hooks.At(SiteKind.V, layer, v, sequences);
    }

    /// <summary>residual += post_norm(mlp(norm(residual))), the MLP with or without experts beside it.</summary>
    private void Mlp(int layer, MatrixView residual)
    {
        var w = weights.Layers[layer];
        var normed = Buffer("normed", config.Width);
        Norm(residual, w.PreMlpGain, SiteKind.Ln2Normalized, SiteKind.MlpIn, layer, normed);
        var output = Buffer("sublayer", config.Width);
        Dense(layer, normed, output);
        hooks.At(SiteKind.MlpOutRaw, layer, output, sequences);
        if (w.Experts is { } experts)
        {
            Workers.For(_rows, new NormRow(output, experts.DenseGain, config.NormEpsilon, output));
            hooks.At(SiteKind.DenseOut, layer, output, sequences);
            new ExpertsPass(config, experts, layer, workspace, hooks, sequences, arithmetic, cancellationToken).Add(residual, output);
            hooks.At(SiteKind.FfnCombined, layer, output, sequences);
        }
        AddNormed(output, w.PostMlpGain, SiteKind.MlpOut, layer, residual);
    }

    /// <summary>output = down(gelu(gate(normed)) ∘ up(normed)).</summary>
    private void Dense(int layer, MatrixView normed, MatrixView output)
    {
        var (w, width) = (weights.Layers[layer], config.Shapes[layer].MlpWidth);
        var open =
            hooks.Listens(SiteKind.MlpGatePre, layer)
            || hooks.Listens(SiteKind.MlpUp, layer)
            || hooks.Listens(SiteKind.MlpActProduct, layer);
        // A listener sees all rows at once; otherwise rows go in blocks to bound memory.
        var block = open ? _rows : Math.Min(_rows, Workspace.MlpRows);
        var gateBuffer = workspace.Buffer("gate", block, width);
        var upBuffer = workspace.Buffer("up", block, width);
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
    }

    /// <summary>residual += post_norm(projection(gelu(gate(residual)) ∘ inputs)), of a model with embeddings for each layer.</summary>
    private void AddPerLayer(int layer, MatrixView inputs, MatrixView residual)
    {
        var w = weights.Layers[layer].PerLayer!;
        hooks.At(SiteKind.ResidAfterMlp, layer, residual, sequences);
        var (gate, output) = (Buffer("ple gate", inputs.Columns), Buffer("sublayer", config.Width));
        Compute.Kernels.Multiply(residual, w.Gate, gate, arithmetic);
        hooks.At(SiteKind.PleGatePre, layer, gate, sequences);
        Workers.For(_rows, new GateRow(gate, inputs));
        hooks.At(SiteKind.PleActProduct, layer, gate, sequences);
        Compute.Kernels.Multiply(gate, w.Projection, output, arithmetic);
        hooks.At(SiteKind.PleOutRaw, layer, output, sequences);
        AddNormed(output, w.PostGain, SiteKind.PleOut, layer, residual);
    }

    /// <summary>normed = x / rms(x) · gain, stopping at the bare vector if someone listens there.</summary>
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

    private void Rotate(MatrixView heads, SiteKind site, int layer)
    {
        var table = rotary.Of(layer).Rows(sequences.Positions);
        for (var s = 0; s < sequences.Count; s++)
        {
            var rows = sequences.Rows(heads, s);
            Workers.For(rows.Rows, new RotateRow(rows, table.AsMatrix(), sequences.First(s), config.Shapes[layer].HeadSize));
        }
        GC.KeepAlive(table);
        hooks.At(site, layer, heads, sequences);
    }

    /// <summary>residual += norm(output) · gain.</summary>
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

    private MatrixView Buffer(string name, int columns) => workspace.Buffer(name, _rows, columns);
}
