using System.Net;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using Microsoft.Data.Sqlite;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Files that are cut, damaged or taken away while a server uses them.</summary>
public class BrokenFilesTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task a_database_that_is_deleted_or_replaced_is_noticed_and_named(bool replaced)
    {
        await using var server = await WholeServer.Start(guard);
        using var client = new HttpClient { BaseAddress = server.Address };
        var feature = $"/{WholeServer.Model}/{server.Dictionary}/1";
        Assert.Contains("ready", await client.GetStringAsync("/healthz/ready"));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(feature)).StatusCode);
        if (replaced)
        {
            var other = server.Database + ".new";
            using (var made = FeatureDatabase.Open(other, create: true))
                WholeServer.Write(made, "another", 5);
            SqliteConnection.ClearAllPools();
            File.Move(other, server.Database, overwrite: true);
        }
        else
            File.Delete(server.Database);
        foreach (var address in (string[])[feature, "/search?q=cats", "/search.json?q=cats", "/dictionaries.json", "/lists"])
        {
            using var answer = await client.GetAsync(address);
            var text = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync());
            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{address}: {answer.StatusCode} {text}");
            Assert.Contains(server.Database, text);
            Assert.Contains("replaced", text);
        }
        using (var ready = await client.GetAsync("/healthz/ready"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.DoesNotContain(server.Database, await ready.Content.ReadAsStringAsync());
        }
        Assert.Contains($"not ready: {server.Database}", server.Log);
        // Nothing is written to where nobody will find it, and no empty file takes the place of the lost one.
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("note", "lost")]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.PostAsync(feature + "/note", form)).StatusCode);
        Assert.Equal(replaced, File.Exists(server.Database));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task damaged_pages_are_named_and_never_a_fault_of_the_server()
    {
        await using var server = await WholeServer.Start(guard);
        using var client = new HttpClient { BaseAddress = server.Address };
        var feature = $"/{WholeServer.Model}/{server.Dictionary}/1";
        foreach (
            var damage in (string[])
                [
                    "UPDATE page SET page = x'00ff'",
                    "UPDATE page SET page = x'01ffffffffffffffffffff'",
                    "UPDATE page SET page = substr(page, 1, 40)",
                    "UPDATE page SET page = 'text'",
                    "UPDATE page SET labels = 'no json'",
                    "UPDATE page SET labels = '{}'",
                    "UPDATE page SET labels = '[null]'",
                    "UPDATE page SET labels = '[{}]'",
                    "UPDATE page SET labels = '[{\"Text\":null,\"Author\":\"a\",\"Method\":\"m\"}]'",
                    "UPDATE page SET note = x'ff'",
                    "UPDATE feature SET max = 'x'",
                    "UPDATE feature SET count = x'00'",
                    "UPDATE passage SET tokens = x'ff'",
                    "UPDATE vocabulary SET pieces = x'00'",
                    "UPDATE dictionary SET width = 99999999999",
                    "UPDATE corpus SET positions = 'x'",
                ]
        )
        {
            using (var connection = new SqliteConnection($"Data Source={server.Database};Pooling=false"))
            {
                connection.Open();
                using var command = connection.CreateCommand();
                command.CommandText = damage;
                command.ExecuteNonQuery();
            }
            foreach (var address in (string[])["", "?whole=true", ".json", "?embed=true", "/../", "/../.json"])
            {
                using var answer = await client.GetAsync(feature + address);
                Assert.True((int)answer.StatusCode is 200 or 304 or 404 or 503, $"{damage}, {address}: {answer.StatusCode}");
                if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                    Assert.Contains(server.Database, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
            }
            (await client.GetAsync("/search.json?q=cats")).Dispose();
            (await client.GetAsync($"/{WholeServer.Model}/{server.Dictionary}.csv")).Dispose();
        }
        Assert.DoesNotContain("failed inside", server.Log);
    }

    [Fact]
    public async Task flipped_bytes_of_a_page_are_named_or_shown_and_never_a_fault_of_the_server()
    {
        await using var server = await WholeServer.Start(guard);
        using var client = new HttpClient { BaseAddress = server.Address };
        var feature = $"/{WholeServer.Model}/{server.Dictionary}/1";
        using var connection = new SqliteConnection($"Data Source={server.Database};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT page FROM page WHERE id % 4294967296 = 1";
        var page = (byte[])command.ExecuteScalar()!;
        command.CommandText = "UPDATE page SET page = @page WHERE id % 4294967296 = 1";
        var value = command.Parameters.Add("page", SqliteType.Blob);
        var random = new Random(3);
        for (var round = 0; round < 400; round++)
        {
            var damaged = page.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            value.Value = damaged;
            command.ExecuteNonQuery();
            foreach (var address in (string[])[feature, feature + ".json"])
            {
                using var answer = await client.GetAsync(address);
                Assert.True(
                    (int)answer.StatusCode is 200 or 503,
                    $"round {round}, {address}: {answer.StatusCode}\n{server.Log[^Math.Min(3000, server.Log.Length)..]}"
                );
            }
        }
    }

    [Fact]
    public async Task flipped_bytes_of_the_file_are_named_and_never_a_fault_of_the_server()
    {
        await using var server = await WholeServer.Start(guard);
        using var client = new HttpClient { BaseAddress = server.Address };
        var random = new Random(11);
        using (var connection = new SqliteConnection($"Data Source={server.Database};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }
        for (var round = 0; round < 20; round++)
        {
            using (var file = new FileStream(server.Database, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
                for (var i = 0; i < 200; i++)
                {
                    file.Position = random.NextInt64(100, file.Length);
                    file.WriteByte((byte)random.Next(256));
                }
            foreach (
                var address in (string[])
                    [
                        $"/{WholeServer.Model}/{server.Dictionary}/1",
                        $"/{WholeServer.Model}/{server.Dictionary}/1.json",
                        $"/{WholeServer.Model}/{server.Dictionary}",
                        $"/{WholeServer.Model}",
                        "/search?q=cats",
                        "/lists",
                        "/healthz/ready",
                    ]
            )
            {
                using var answer = await client.GetAsync(address);
                Assert.True((int)answer.StatusCode is < 500 or 503, $"{address}: {answer.StatusCode}");
            }
        }
        Assert.DoesNotContain("failed inside", server.Log);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task weights_that_are_cut_off_are_named_instead_of_ending_the_process()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Fixtures.Model("demo-it")))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        var weights = folder.File("model.safetensors");
        using var model = GemmaModel.Load(folder.Path);
        await using var host = await ServerHost.StartAsync(
            new ServerModel(GemmaScope.Workbench.Microscope.Of("demo-it", model)),
            new() { Port = 0 }
        );
        using var client = new HttpClient { BaseAddress = host.Address };
        Assert.Equal(HttpStatusCode.OK, (await Moderate()).StatusCode);
        var whole = await File.ReadAllBytesAsync(weights);
        using (var file = new FileStream(weights, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            file.SetLength(whole.Length / 2);
        using (var answer = await Moderate())
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.Contains("model.safetensors", text);
            Assert.Contains("cut", text);
        }
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/healthz/ready")).StatusCode);
        Assert.Contains("cut", Assert.Throws<FileFormatException>(() => model.Run([2, 5, 6])).Message);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz")).StatusCode);
        // The same file, whole again.
        using (var file = new FileStream(weights, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            file.Write(whole);
        Assert.Equal(HttpStatusCode.OK, (await Moderate()).StatusCode);

        Task<HttpResponseMessage> Moderate() =>
            client.PostAsync("/v1/moderations", new StringContent("""{"input":"Hello"}""", System.Text.Encoding.UTF8, "application/json"));
    }

    [Fact]
    public void each_form_of_mapped_file_knows_when_it_is_cut()
    {
        using var folder = new TemporaryFolder();
        var source = Directory.EnumerateFiles(Fixtures.Model("demo-sae"), "params.npz", SearchOption.AllDirectories).First();
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(source)!))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        using var dictionary = GemmaScope.Dictionaries.SparseDictionary.Load(folder.File("params.npz"));
        dictionary.RequireWhole();
        using (var file = new FileStream(folder.File("params.npz"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            file.SetLength(file.Length - 1);
        Assert.Contains("params.npz", Assert.Throws<FileFormatException>(dictionary.RequireWhole).Message);
    }
}
