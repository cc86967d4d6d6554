using System.Buffers;
using System.Net;

namespace GemmaScope.Files;

/// <summary>Brings one file here: resumed where an earlier attempt ended, and checked.</summary>
internal sealed class HubDownload(HubTransport transport, HubOptions options, HubReference reference, Uri uri, HubFile file)
{
    private const int Chunk = 1 << 18;
    private bool _canResume = true;

    /// <summary>Downloads to <paramref name="incomplete"/>, checks it and moves it to <paramref name="target"/>.</summary>
    /// <param name="incomplete">Name while it is incomplete; kept when the download is interrupted.</param>
    /// <param name="target">Name of the complete file.</param>
    /// <param name="report">Told the bytes that are here.</param>
    /// <param name="cancellationToken">Interrupts; what is here is kept.</param>
    /// <exception cref="HubException">The file cannot be had, or arrives damaged twice.</exception>
    public async Task RunAsync(string incomplete, string target, Action<long> report, CancellationToken cancellationToken)
    {
        if (!await ArrivesIntactAsync(incomplete, report, cancellationToken).ConfigureAwait(false))
        {
            File.Delete(incomplete);
            throw new HubException(
                $"'{file.Path}' arrives damaged: its checksum is not {file.Etag}; "
                    + "try again, and if it happens again look for a proxy that alters downloads",
                reference.Repository
            );
        }
        File.Move(incomplete, target, overwrite: true);
    }

    private async Task<bool> ArrivesIntactAsync(string incomplete, Action<long> report, CancellationToken cancellationToken)
    {
        using var part = await PartialFile.OpenAsync(incomplete, file, cancellationToken).ConfigureAwait(false);
        await FillAsync(part, report, cancellationToken).ConfigureAwait(false);
        if (part.IsIntact())
            return true;
        // What lay there from an earlier attempt may have been the damaged part.
        part.Restart();
        await FillAsync(part, report, cancellationToken).ConfigureAwait(false);
        return part.IsIntact();
    }

    private async Task FillAsync(PartialFile part, Action<long> report, CancellationToken cancellationToken)
    {
        report(part.Length);
        while (part.Length < file.Size)
        {
            await transport
                .RunAsync(() => Request(part), (response, deadline) => ReceiveAsync(part, response, deadline, report), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private HubRequest Request(PartialFile part)
    {
        if (!_canResume && part.Length > 0)
            part.Restart();
        return new(HttpMethod.Get, uri, part.Length);
    }

    private async Task<bool> ReceiveAsync(PartialFile part, HttpResponseMessage response, Deadline deadline, Action<long> report)
    {
        if (!Continues(part, response))
            return false;
        var body = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
        await using var closed = body.ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (await body.ReadAsync(buffer.AsMemory(0, Chunk), deadline.Token).ConfigureAwait(false) is var count and > 0)
            {
                if (part.Length + count > file.Size)
                    throw WrongSize("more");
                await part.AppendAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
                report(part.Length);
                deadline.Restart();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (part.Length < file.Size)
            throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended before the file");
        return true;
    }

    /// <summary>Whether the body follows on what is here; if not, the next request asks for the whole file.</summary>
    private bool Continues(PartialFile part, HttpResponseMessage response)
    {
        if (part.Length > 0 && (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable || IsOtherRange(part, response)))
        {
            _canResume = false;
            return false;
        }
        HubFailure.ThrowIfRefused(response, reference, options);
        if (response.StatusCode == HttpStatusCode.OK && part.Length > 0)
            part.Restart(); // The server ignores ranges.
        if (response.Content.Headers.ContentLength is { } offered && part.Length + offered != file.Size)
            throw WrongSize($"{part.Length + offered}");
        return true;
    }

    private bool IsOtherRange(PartialFile part, HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.PartialContent
        && (
            response.Content.Headers.ContentRange is not { } range || range.From != part.Length || (range.Length ?? file.Size) != file.Size
        );

    private HubException WrongSize(string offered) =>
        new(
            $"'{file.Path}' has the wrong size: {file.Size} bytes were announced, the server sends {offered}; try again later",
            reference.Repository
        );
}
