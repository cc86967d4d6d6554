using System.Globalization;
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>One entry of cases.json with its dictionary loaded and its golden tensors open.</summary>
internal sealed class DictionaryCase(string name, JsonSection one, SparseDictionary dictionary, SafetensorsFile golden)
{
    public IEnumerable<Check> Checks()
    {
        yield return Check.That($"{name}.form", Form() is null, Form());
        if (one.Section("metadata") is { } metadata)
            foreach (var key in metadata.Keys)
                yield return Reported(key, metadata.Element.GetProperty(key));

        // [rows, sites, d] of a multi-layer dictionary is [rows, sites side by side].
        var x = Rows("x");
        if (x.Columns != dictionary.InputWidth)
        {
            yield return Check.That($"{name}.x", false, $"{x.Columns} columns, the dictionary reads {dictionary.InputWidth}");
            yield break;
        }
        var features = dictionary.Encode(x);
        foreach (var check in Features(features))
            yield return check;
        yield return Reconstruction("x_hat", features, x);
        if (golden.Tensors.ContainsKey("tie_mask"))
            yield return Ties(features);
        if (golden.Tensors.ContainsKey("f_clamped"))
            foreach (var check in Clamped(features, x))
                yield return check;
    }

    /// <summary>What differs in activation function, sizes or skip connection, or null.</summary>
    private string? Form()
    {
        var activation = dictionary.Activation.ToString().ToLowerInvariant();
        if (one.Text("activation") is { } wanted && wanted != activation)
            return $"activation {activation}, expected {wanted}";
        var sites = one.Integer("n_layers") ?? 1;
        if (one.Integer("d_in") * sites != dictionary.InputWidth)
            return $"reads {dictionary.InputWidth} numbers";
        if (one.Integer("d_out") * sites != dictionary.OutputWidth)
            return $"writes {dictionary.OutputWidth} numbers";
        if (one.Integers("m")!.Sum() != dictionary.Width)
            return $"has {dictionary.Width} features";
        if (one.Integer("k") != dictionary.K)
            return $"k is {dictionary.K}";
        return one.Has("skip") != dictionary.Origin.Affine ? $"skip connection: {dictionary.Origin.Affine}" : null;
    }

    private IEnumerable<Check> Features(SparseActivations features)
    {
        if (dictionary is not MultiLayerDictionary layers)
        {
            yield return Features("f", features, 0, dictionary.Width);
            yield return L0("l0", features, 0, dictionary.Width);
            yield break;
        }
        for (var l = 0; l + 1 < layers.BlockStarts.Count; l++)
        {
            yield return Features($"f_{l}", features, layers.BlockStarts[l], layers.BlockStarts[l + 1]);
            yield return L0($"l0_{l}", features, layers.BlockStarts[l], layers.BlockStarts[l + 1]);
        }
        yield return L0("l0", features, 0, dictionary.Width);
    }

    private Check Features(string tensor, SparseActivations features, int start, int end)
    {
        using var dense = Golden.Dense(features, start, end - start);
        return Check.Within($"{name}.{tensor}", Golden.RowError(dense.AsMatrix(), Rows(tensor)), DictionaryVerifier.Tolerance);
    }

    private Check L0(string tensor, SparseActivations features, int start, int end)
    {
        var want = Golden.Integers(golden, tensor);
        var got = new int[features.Rows];
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; i < features.Indices(row).Length; i++)
            if (features.Indices(row)[i] >= start && features.Indices(row)[i] < end && features.Values(row)[i] > 0)
                got[row]++;
        var whole = start == 0 && end == features.Width;
        var agrees = !whole || Enumerable.Range(0, features.Rows).All(row => features.L0(row) == got[row]);
        return Check.That($"{name}.{tensor}", agrees && want.SequenceEqual(got), $"{features.Rows} rows");
    }

    private Check Reconstruction(string tensor, SparseActivations features, MatrixView x)
    {
        using var got = dictionary.Decode(features, x);
        // Rows of each site are compared on their own scale, as the golden tensor has them.
        var want = golden[tensor].AsMatrix();
        var sites = got.Columns / want.Columns;
        return Check.Within(
            $"{name}.{tensor}",
            Golden.RowError(got.Reshape(got.Rows * sites, want.Columns).AsMatrix(), want),
            DictionaryVerifier.Tolerance
        );
    }

    private Check Ties(SparseActivations features)
    {
        var mask = Golden.Flags(golden, "tie_mask");
        var (ties, active) = (0, 0);
        for (var i = 0; i < mask.Length; i++)
        {
            if (!mask[i])
                continue;
            ties++;
            if (features.Value(i / features.Width, i % features.Width) != 0)
                active++;
        }
        return Check.That($"{name}.ties", active == 0 && ties > 0, $"{active} of {ties} entries exactly at their threshold are active");
    }

    /// <summary>With relu(z) · (z &gt; θ) instead of z · (z &gt; θ), only negative activations go.</summary>
    private IEnumerable<Check> Clamped(SparseActivations features, MatrixView x)
    {
        using var dense = Golden.Dense(features, 0, features.Width);
        var clamped = Golden.Sparse(dense.AsMatrix(), value => value > 0);
        yield return Features("f_clamped", clamped, 0, features.Width);
        yield return Reconstruction("x_hat_clamped", clamped, x);
    }

    private MatrixView Rows(string tensor)
    {
        var values = golden[tensor];
        return values.Reshape(values.Shape[0], values.Shape[0] == 0 ? 0 : values.Length / values.Shape[0]).AsMatrix();
    }

    private Check Reported(string key, JsonElement value)
    {
        var want = value.ValueKind == JsonValueKind.Array ? string.Join(' ', value.EnumerateArray().Select(Text)) : Text(value);
        var got = Fact(key);
        return got is null
            ? Check.Skip($"{name}.metadata.{key}", "nothing of that name is reported")
            : Check.That($"{name}.metadata.{key}", got == want, $"{got}, expected {want}");
    }

    /// <summary>What the dictionary reports under a name of the metadata; an empty text where it knows nothing, null for a name we do not
    /// have.</summary>
    private string? Fact(string key)
    {
        var origin = dictionary.Origin;
        return key switch
        {
            "model" => origin.Model ?? "",
            "type" => dictionary.Kind switch
            {
                DictionaryKind.Sae => "sae",
                DictionaryKind.Crosscoder => "crosscoder",
                DictionaryKind.CrossLayerTranscoder => "clt",
                _ => "transcoder",
            },
            "site" => SiteName(),
            "layer" or "layers" => string.Join(' ', origin.Layers),
            "width_label" => origin.WidthLabel ?? "",
            "l0_label" => origin.L0Label ?? "",
            "l0" => origin.L0?.ToString(CultureInfo.InvariantCulture) ?? "",
            "hook_in" => string.Join(' ', dictionary.InputSites.Select(site => site.HuggingFaceName)),
            "hook_out" => string.Join(' ', dictionary.OutputSites.Select(site => site.HuggingFaceName)),
            "affine" => Flag(origin.Affine),
            "dtype" => origin.Type.ToString(),
            "config_present" => Flag(origin.HasConfig),
            "architecture" => origin.Architecture ?? "",
            "k" => dictionary.K?.ToString(CultureInfo.InvariantCulture) ?? "",
            "total_width" => dictionary.Width.ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
    }

    /// <summary>The site in the words of the Gemma Scope papers.</summary>
    private string SiteName() =>
        dictionary.Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder
            ? "transcoder"
            : dictionary.InputSite.Kind switch
            {
                SiteKind.ResidPost => "residual",
                SiteKind.Z => "attention",
                SiteKind.Embed => "embedding",
                _ => dictionary.InputSite.ToString().Split('.')[0],
            };

    private static string Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.True or JsonValueKind.False => Flag(value.GetBoolean()),
            JsonValueKind.Null => "",
            _ => value.ToString(),
        };

    private static string Flag(bool value) => value ? "true" : "false";
}
